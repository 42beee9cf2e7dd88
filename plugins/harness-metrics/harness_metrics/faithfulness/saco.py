"""Salience-guided faithfulness coefficient (Wu et al. 2024)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness.api.transfer import sent
from harness_metrics.curves import Output, removal_counts
from harness_metrics.faithfulness.citations import WU_2024
from harness_metrics.imputation import Imputation
from harness_metrics.maps import share
from harness_metrics.passes import curve_passes
from harness_metrics.subsets import group_responses


@metric(category="faithfulness", direction="higher", bounds=(-1, 1), passes=curve_passes, cite=WU_2024)
def saco(
    case: Case,
    *,
    steps: Annotated[int, Field(ge=2)] = 10,
    reference: Imputation = "mean",
    output: Output = "probability",
    absolute: bool = False,
) -> Tensor:
    """Whether of each two groups of pixels the more relevant one matters more, weighted by how much more relevant it is.

    Wu et al. 2024 (SaCo, salience-guided faithfulness coefficient): pixels in the order of the map are cut into K groups of one size, with
    the sums s of their relevances and the drops d of the probability where that group alone is replaced. The coefficient is
    ``Σ_{i<j} ±(s_i − s_j) / Σ_{i<j} |s_i − s_j|``, plus where ``d_i ≥ d_j``: like a rank correlation, except that what the map calls equal
    need not be ordered. Where K does not divide the pixels, groups differ by one, and s and d are those of a group's mean pixel. It shares
    its passes with `faithfulness-estimate` of equal parameters.

    Args:
        case: the samples.
        steps: groups of like size, one forward pass each; the authors' K.
        reference: what the pixels of a group become: the authors' mean of the image.
        output: the authors' probability, or the logit.
        absolute: take |a|, for the order and for the sums.

    Returns:
        ``(B,)`` in [-1, 1], higher is better, 0 by chance; NaN where all groups have the same relevance (a constant map), for which the
        authors' code raises. Equal drops count for the map. Ties are in the seeded order of `ordering`.
    """
    counts = removal_counts(case.attributions[0].numel(), steps, None)
    drops, sums = group_responses(case, counts, reference, output, absolute=absolute)
    sizes = sent(torch.tensor(counts, dtype=sums.dtype).diff(), sums.device)
    return coefficient(sums / sizes, drops / sizes)


def coefficient(sums: Tensor, drops: Tensor) -> Tensor:
    """The coefficient ``(B,)`` of relevances ``(B, K)`` and drops ``(B, K)``, the first group the most relevant.

    >>> coefficient(torch.tensor([[5.0, 3.0, 2.0]]), torch.tensor([[0.1, 0.4, 0.0]])).tolist()
    [0.3333333432674408]
    """
    first, second = torch.triu_indices(sums.shape[1], sums.shape[1], 1, device=sums.device)
    weights = sums[:, first] - sums[:, second]
    agreeing = torch.where(drops[:, first] >= drops[:, second], weights, -weights)
    return share(agreeing.sum(dim=1), weights.abs().sum(dim=1))
