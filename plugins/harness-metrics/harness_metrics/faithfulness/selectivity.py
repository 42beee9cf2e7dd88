"""Selectivity (Montavon et al. 2018)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import MONTAVON_2018
from harness_metrics.curves import Output, area, case_curve
from harness_metrics.imputation import Imputation
from harness_metrics.passes import selectivity_passes
from harness_metrics.patches import grid_of


@metric(category="faithfulness", direction="lower", passes=selectivity_passes, cite=MONTAVON_2018)
def selectivity(
    case: Case,
    *,
    patch: Annotated[int, Field(ge=1)] = 8,
    reference: Imputation = "zero",
    output: Output = "logit",
    absolute: bool = False,
) -> Tensor:
    """Area under the target's logit as patches are removed one by one, the most relevant first.

    Montavon et al. 2018, section 7.2: features are sorted by relevance and removed in turn, and f(x) is recorded after each. A patch's
    relevance is the sum over its pixels; patches do not overlap. Their grid is centred: those at opposite borders are cut off alike (to a
    pixel) where ``patch`` does not divide the image's size, and what lies across a line of the grid is removed in parts. The area is a
    trapezoid sum over the share of removed patches, from none to all. It shares its passes with `region-perturbation` of the same
    patches, and with `deletion` where a patch and a step are one pixel.

    Quantus returns the curve itself, from the first removed patch on, and its ``black`` is the least value of the input.

    Args:
        case: the samples.
        patch: side of a patch in pixels; one forward pass per patch, 784 at 224 × 224. The authors' patches of digits are 4 × 4.
        reference: what removed pixels become.
        output: ``logit``, the authors' function value, or ``probability``.
        absolute: order by the sum of |a| instead of the signed sum.

    Returns:
        ``(B,)``, lower is better, in [0, 1] for probabilities; defined for every sample. Tied patches are in a seeded order.
    """
    rows, columns = grid_of((case.attributions.shape[-2], case.attributions.shape[-1]), patch)
    patches = rows * columns
    curve = case_curve(case, range(patches + 1), "morf", reference, patch=patch, absolute=absolute, output=output)
    return area(curve, [count / patches for count in range(patches + 1)])
