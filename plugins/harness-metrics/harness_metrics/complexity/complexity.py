"""Complexity (Bhatt et al. 2020)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import BHATT_2020
from harness_metrics.maps import VALUES_ALONE, entropy, fractions


@metric(category="complexity", direction="lower", bounds=(0, None), passes=0, no_inverse=VALUES_ALONE, cite=BHATT_2020)
def complexity(case: Case) -> Tensor:
    """Entropy (in nats) of the map's fractional contributions.

    Bhatt et al. 2020: ``−Σ_i P(i) ln P(i)`` with ``P(i) = |a_i| / Σ_j |a_j|``.

    Returns:
        ``(B,)`` in [0, ln d], d the number of pixels; lower is better: one pixel scores 0, a constant map ln d. NaN for a map that is
        0 everywhere.
    """
    return entropy(fractions(case.attributions))
