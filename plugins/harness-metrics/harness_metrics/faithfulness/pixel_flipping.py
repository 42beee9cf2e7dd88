"""Pixel flipping (Bach et al. 2015)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import Output, area, case_curve, removal_counts
from harness_metrics.faithfulness.citations import BACH_2015
from harness_metrics.imputation import Imputation
from harness_metrics.passes import curve_passes


@metric(category="faithfulness", direction="lower", passes=curve_passes, cite=BACH_2015)
def pixel_flipping(
    case: Case,
    *,
    reference: Imputation = "zero",
    steps: Annotated[int, Field(ge=1)] = 224,
    step: Annotated[int, Field(ge=1)] | None = None,
    output: Output = "logit",
    absolute: bool = False,
) -> Tensor:
    """Area under the target's logit as pixels are flipped, the most relevant first.

    Bach et al. 2015, "Pixel flipping": the classifier's real-valued output f(x) falls the faster, the better the map names the pixels that
    it rests on. The area is a trapezoid sum over the share of flipped pixels, from none to all. With the same ``reference`` and steps it is
    of the curve that `deletion` walks, and costs nothing beside it.

    Quantus flips single channels instead of pixels, so that a step of an RGB image tears colours apart (its 16 features are 6 pixels), its
    curve begins after the first step, its area is a sum over steps, not a mean, and its ``black`` is the least value of the input.

    Args:
        case: the samples.
        reference: what flipped pixels become. The authors invert binary digits, which has no counterpart in colours.
        steps: into how many steps the pixels are divided, one forward pass each.
        step: pixels flipped at a time, instead of ``steps``.
        output: ``logit``, the authors' real-valued output, or ``probability``, whose area is `deletion`.
        absolute: order by |a| instead of by the signed value.

    Returns:
        ``(B,)``, lower is better, in [0, 1] for probabilities; defined for every sample. Ties are in the seeded order of `ordering`.
    """
    pixels = case.attributions[0].numel()
    counts = removal_counts(pixels, steps, step)
    curve = case_curve(case, counts, "morf", reference, absolute=absolute, output=output)
    return area(curve, [count / pixels for count in counts])
