"""Insertion (Petsiuk et al. 2018)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import area, case_curve, removal_counts
from harness_metrics.faithfulness.citations import PETSIUK_2018
from harness_metrics.imputation import Imputation
from harness_metrics.passes import curve_passes


@metric(category="faithfulness", direction="higher", bounds=(0, 1), passes=curve_passes, cite=PETSIUK_2018)
def insertion(
    case: Case,
    *,
    reference: Imputation = "blur",
    steps: Annotated[int, Field(ge=1)] = 224,
    step: Annotated[int, Field(ge=1)] | None = None,
    absolute: bool = False,
) -> Tensor:
    """Area under the target's probability as pixels are put into a reference, the most relevant first.

    Petsiuk et al. 2018 (RISE): a good map names the pixels with which the probability rises fast. The area is a trapezoid sum
    over the share of inserted pixels, from none to all.

    Args:
        case: the samples.
        reference: what stands where nothing is inserted yet; the authors blur the image, so that inserting draws no edges.
        steps: into how many steps the pixels are divided, one forward pass each. The authors insert 224 pixels of 224² at a time.
        step: pixels inserted at a time, instead of ``steps``.
        absolute: order by |a| instead of by the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; defined for every sample. Ties are in the seeded order of `ordering`.
    """
    pixels = case.attributions[0].numel()
    counts = removal_counts(pixels, steps, step)
    missing = tuple(pixels - count for count in counts)
    curve = case_curve(case, missing, "lerf", reference, absolute=absolute)
    return area(curve, [count / pixels for count in counts])
