"""Sparseness (Chalasani et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import CHALASANI_2020
from harness_metrics.maps import VALUES_ALONE, fractions


@metric(category="complexity", direction="higher", bounds=(0, 1), passes=0, no_inverse=VALUES_ALONE, cite=CHALASANI_2020)
def sparseness(case: Case) -> Tensor:
    """Gini index of the map's absolute values: 0 where all are equal, towards 1 where one has all.

    Chalasani et al. 2020: ``G(v) = 1 − 2 Σ_k (v_(k) / ‖v‖₁) (d − k + 0.5) / d`` over the values in ascending order.

    Returns:
        ``(B,)`` in [0, 1 − 1/d], d the number of pixels; higher is sparser. NaN for a map that is 0 everywhere (Quantus adds 1e-7 to every
        value, and gives 0 there).
    """
    return gini(fractions(case.attributions))


def gini(shares: Tensor) -> Tensor:
    """The Gini index ``(B,)`` of non-negative ``shares`` (B, d) that sum to 1; NaN where they are NaN.

    >>> gini(torch.tensor([[0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.0, 1.0]])).tolist()
    [0.0, 0.75]
    """
    d = shares.shape[1]
    ascending = shares.sort(dim=1).values
    weights = (2 * torch.arange(1, d + 1, device=shares.device) - d - 1).to(shares.dtype) / d
    return (weights * ascending).sum(dim=1)
