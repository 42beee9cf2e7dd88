"""Monotonicity (Arya et al. 2019)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import Output, case_curve, removal_counts
from harness_metrics.faithfulness.citations import ARYA_2019
from harness_metrics.imputation import Imputation
from harness_metrics.passes import curve_passes


@metric(category="faithfulness", direction="higher", bounds=(0, 1), passes=curve_passes, cite=ARYA_2019)
def monotonicity_arya(
    case: Case,
    *,
    steps: Annotated[int, Field(ge=2)] = 224,
    step: Annotated[int, Field(ge=1)] | None = None,
    reference: Imputation = "black",
    output: Output = "probability",
    absolute: bool = False,
) -> Tensor:
    """Share of steps at which the probability does not fall as pixels are added, the least relevant first.

    Arya et al. 2019 (AI Explainability 360), after Luss et al. 2019: put the features into a reference in ascending order of attribution;
    each should raise the target's probability. Their verdict is whether *every* step does: a score of 1 here; over hundreds of pixel groups
    it is always no, so that the share of steps is given. As theirs, the first step is from the first group added to the second. (Quantus
    0.6 puts its baseline into the baseline, adds nothing, and calls every map monotonic.)

    Where what pixels are worth adds up, the score tells no good map from a bad one: the exact map gets the share of the groups that help,
    in whatever order these are added, and so does the exact map upside down (0.62 where 62 % of the pixels help); a map of noise, of
    which every group is worth about the mean, gets nearly 1 where pixels help on average.

    Args:
        case: the samples.
        steps: into how many groups of equal size the pixels are divided, one forward pass each.
        step: pixels in a group (the first may be smaller), instead of ``steps``; 1 is the authors' definition.
        reference: what stands where nothing is added yet.
        output: of the model, for the target.
        absolute: order by |a| (Quantus's default) instead of by the signed value (the authors').

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where there is only one group. Ties are in the seeded order of `ordering`. The passes are
        those of `deletion` with the same reference and steps.
    """
    counts = removal_counts(case.attributions[0].numel(), steps, step)
    curve = case_curve(case, counts, "morf", reference, absolute=absolute, output=output)
    return rising(curve.flip(1)[:, 1:])


def rising(curve: Tensor) -> Tensor:
    """Share of the steps of a curve ``(B, S)`` that do not fall: ``(B,)``.

    >>> import torch
    >>> rising(torch.tensor([[0.1, 0.3, 0.3, 0.2, 0.4]])).item()
    0.75
    """
    return (curve.diff(dim=1) >= 0).double().mean(dim=1)
