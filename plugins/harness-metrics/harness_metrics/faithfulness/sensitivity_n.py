"""Sensitivity-n (Ancona et al. 2018)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import Output
from harness_metrics.faithfulness.citations import ANCONA_2018
from harness_metrics.imputation import Imputation
from harness_metrics.responses import Correlation
from harness_metrics.similarity import similarity as similarity_of
from harness_metrics.subsets import subset_responses

Fraction = Annotated[float, Field(gt=0, lt=1)]


@metric(
    category="faithfulness",
    direction="higher",
    bounds=(-1, 1),
    passes=lambda params: len(params["fractions"]) * float(params["runs"]) + 1,
    cite=ANCONA_2018,
)
def sensitivity_n(
    case: Case,
    *,
    fractions: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.001, 0.005, 0.03, 0.15, 0.8),
    runs: Annotated[int, Field(ge=2)] = 100,
    reference: Imputation = "zero",
    similarity: Correlation = "pearson",
    output: Output = "logit",
    absolute: bool = False,
) -> Tensor:
    """Correlation of what random sets of n pixels are worth to the model and to the map, averaged over n.

    Ancona et al. 2018: a map satisfies sensitivity-n where ``Σ_{i∈S} a_i = f(x) − f(x with x_S at the reference)`` for all S
    of n features; how far it does is the Pearson correlation of the two over random S, for several n. They plot it against n; here it is
    averaged. For one n it is the `faithfulness-correlation` of that size.

    Quantus draws no sets: it removes pixels in the map's own order, cumulatively, correlates the drop so far with the attribution of the
    last step alone, and does so across the samples of the first batch, so that one sample has no score.

    Args:
        case: the samples.
        fractions: n as shares of the pixels, rounded, at least one and less than all; the authors go from one feature to 80 % in
            logarithmic steps.
        runs: sets per n, one forward pass each.
        reference: what the pixels of a set become; the authors' is 0 in the network's input (a constant grey where a mean is subtracted).
        similarity: the authors' Pearson correlation, or by rank.
        output: of the model, for the target.
        absolute: sum |a| instead of the signed value.

    Returns:
        ``(B,)`` in [-1, 1], higher is better, 0 by chance; NaN where, for some n, all sets have the same attribution (a constant map) or
        the same drop.
    """
    correlate = similarity_of(similarity)
    pixels = case.attributions[0].numel()
    correlations = []
    for fraction in fractions:
        size = min(max(1, round(fraction * pixels)), pixels - 1)
        drops, sums = subset_responses(case, size, runs, reference, output, absolute=absolute)
        correlations.append(correlate(sums, drops))
    return torch.stack(correlations).mean(dim=0)
