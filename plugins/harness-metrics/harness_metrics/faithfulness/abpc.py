"""Area between perturbation curves (Samek et al. 2017)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import Output, area, case_curve, removal_counts
from harness_metrics.faithfulness.citations import SAMEK_2017
from harness_metrics.imputation import Imputation
from harness_metrics.passes import abpc_passes


@metric(category="faithfulness", direction="higher", passes=abpc_passes, cite=SAMEK_2017)
def abpc(
    case: Case,
    *,
    reference: Imputation = "zero",
    steps: Annotated[int, Field(ge=1)] = 224,
    step: Annotated[int, Field(ge=1)] | None = None,
    output: Output = "probability",
    absolute: bool = False,
) -> Tensor:
    """Area between the curves of removing the least and the most relevant pixels first.

    Samek et al. 2017: a good map keeps the prediction while its least relevant pixels go (LeRF) and loses it with its most
    relevant ones (MoRF), ``ABPC = mean over k of f(x_LeRF^k) − f(x_MoRF^k)``. Here the mean is a trapezoid sum over the share of removed
    pixels, from none to all, where both curves meet. What every removal does to the model, whatever is removed, cancels out.

    The MoRF curve is the one of `deletion` and `pixel-flipping`; Quantus has no such metric. Blücher et al. 2024 call it SRG (symmetric
    relevance gain), and find that it ranks explainers alike whatever removed pixels become.

    Args:
        case: the samples.
        reference: what removed pixels become. (The authors fill regions with uniform noise: ``noise``.)
        steps: into how many steps the pixels are divided, two forward passes each.
        step: pixels removed at a time, instead of ``steps``.
        output: ``probability``, or ``logit``.
        absolute: order by |a| instead of by the signed value.

    Returns:
        ``(B,)``, higher is better, in [-1, 1] for probabilities, around 0 for a random map, negated for the negated map; defined for every
        sample. Ties are in the seeded order of `ordering`, so that a constant map scores what a random one does.
    """
    pixels = case.attributions[0].numel()
    counts = removal_counts(pixels, steps, step)
    lerf = case_curve(case, counts, "lerf", reference, absolute=absolute, output=output)
    morf = case_curve(case, counts, "morf", reference, absolute=absolute, output=output)
    return area(lerf - morf, [count / pixels for count in counts])
