"""Monotonicity (Nguyen and Rodríguez Martínez 2020)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import NGUYEN_2020
from harness_metrics.curves import Output, removal_counts
from harness_metrics.imputation import imputer
from harness_metrics.ordering import case_ranks
from harness_metrics.parameters import Samples
from harness_metrics.passes import drawn_passes
from harness_metrics.responses import responses
from harness_metrics.similarity import spearman
from harness_metrics.subsets import groups


@metric(category="faithfulness", direction="higher", bounds=(-1, 1), passes=drawn_passes, cite=NGUYEN_2020)
def monotonicity_nguyen(
    case: Case,
    *,
    steps: Annotated[int, Field(ge=2)] = 50,
    step: Annotated[int, Field(ge=1)] | None = None,
    samples: Samples = 10,
    output: Output = "probability",
    absolute: bool = True,
) -> Tensor:
    """Rank correlation of a map with how uncertain the output gets as each group of pixels is drawn at random.

    Nguyen and Rodríguez Martínez 2020 (monotonicity): ``ρ_S(|a_i|, E[(f(x) − f(x with x_i drawn))²])``, the expected squared loss when only
    x_i is unknown. Pixels are taken in groups of like relevance: successive steps of the map's own order. They are drawn uniformly from the
    range of the inputs, each pixel and channel for itself. (Quantus gives all values of a group one common draw from [0, 1], whatever the
    inputs' range, and divides by f(x)², which leaves a rank correlation as it is.)

    Args:
        case: the samples.
        steps: groups of equal size.
        step: pixels in a group, instead of ``steps``; 1 is the authors' definition.
        samples: draws per group, one forward pass each; Quantus's default is 100.
        output: of the model, for the target.
        absolute: take |a| (as the authors), for the order and for the sums, instead of the signed value.

    Returns:
        ``(B,)`` in [-1, 1], higher is better, 0 by chance; NaN where all groups have the same attribution (a map that is 0 everywhere) or
        the same loss. Ties are in the seeded order of `ordering`.
    """
    counts = removal_counts(case.attributions[0].numel(), steps, step)
    ranks = case_ranks(case, absolute)
    losses = []
    for draw in range(samples):
        drops, sums = responses(case, groups(ranks, counts), imputer(case, "noise", draw=draw), output, absolute=absolute)
        losses.append(drops.square())
    return spearman(sums, torch.stack(losses).mean(dim=0))
