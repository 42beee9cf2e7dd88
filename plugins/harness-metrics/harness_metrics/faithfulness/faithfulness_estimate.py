"""Faithfulness estimate (Alvarez-Melis and Jaakkola 2018)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import Output, removal_counts
from harness_metrics.faithfulness.citations import ALVAREZ_MELIS_2018_SENN
from harness_metrics.imputation import Imputation
from harness_metrics.passes import curve_passes
from harness_metrics.responses import Correlation
from harness_metrics.similarity import similarity as similarity_of
from harness_metrics.subsets import group_responses


@metric(category="faithfulness", direction="higher", bounds=(-1, 1), passes=curve_passes, cite=ALVAREZ_MELIS_2018_SENN)
def faithfulness_estimate(
    case: Case,
    *,
    steps: Annotated[int, Field(ge=2)] = 224,
    step: Annotated[int, Field(ge=1)] | None = None,
    reference: Imputation = "black",
    similarity: Correlation = "pearson",
    output: Output = "probability",
    absolute: bool = False,
) -> Tensor:
    """Correlation of a map with the drop of the probability as each group of pixels alone is removed.

    Alvarez-Melis and Jaakkola 2018 (faithfulness): remove one feature at a time, put it back, and correlate the
    drops of the predicted probability with the relevances. Pixels are too many for it, so that they are taken in groups of like relevance:
    successive steps of the map's own order. (Quantus takes the logit by default.)

    Args:
        case: the samples.
        steps: groups of equal size, one forward pass each.
        step: pixels in a group, instead of ``steps``; 1 is the authors' definition.
        reference: what removed pixels become.
        similarity: the authors' Pearson correlation, or by rank.
        output: of the model, for the target.
        absolute: take |a|, for the order and for the sums.

    Returns:
        ``(B,)`` in [-1, 1], higher is better, 0 by chance; NaN where all groups have the same attribution (a map that is 0 everywhere) or
        the same drop. Ties are in the seeded order of `ordering`.
    """
    counts = removal_counts(case.attributions[0].numel(), steps, step)
    drops, sums = group_responses(case, counts, reference, output, absolute=absolute)
    return similarity_of(similarity)(sums, drops)
