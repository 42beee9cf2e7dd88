"""Friedman's test over samples and Nemenyi's critical difference (Demšar 2006, JMLR 7:1-30, section 3.2.2)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import special

from harness.analysis.ranking import rank_scores
from harness.results.document import Critical
from harness.results.field_types import Floats


@lru_cache(maxsize=256)
def critical_value(treatments: int, confidence: float) -> float:
    """q of Nemenyi's test: the studentised range over infinite degrees of freedom divided by √2 (Demšar 2006, table 5a)."""
    low, high = 0.0, 2 * np.sqrt(2 * np.log(treatments)) + 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if range_cdf(middle, treatments) < confidence else (low, middle)
    return float(middle / np.sqrt(2))


def range_cdf(width: float, treatments: int) -> float:
    """P(range of ``treatments`` standard normal variables ≤ ``width``): k ∫ φ(z) (Φ(z + w) - Φ(z))^(k-1) dz, z being the least of them."""
    z = np.linspace(-12.0, 12.0, 2401)  # the trapezoidal rule converges exponentially for such an integrand
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    inside = special.ndtr(z + width) - special.ndtr(z)
    return float(treatments * np.sum(density * inside ** (treatments - 1)) * (z[1] - z[0]))


def friedman_p(sample_ranks: Floats) -> float:
    """p of Friedman's test on ranks ``(N, K)`` without gaps, corrected for ties; 1 if all ranks are tied, NaN for N < 2 or K < 2."""
    n, k = sample_ranks.shape
    if n < 2 or k < 2:
        return float("nan")
    between = n * np.sum((sample_ranks.mean(axis=0) - (k + 1) / 2) ** 2)
    within = np.sum((sample_ranks - (k + 1) / 2) ** 2) / (n * (k - 1))
    return 1.0 if within == 0 else float(special.chdtrc(k - 1, between / within))


def rank_cliques(mean_ranks: dict[str, float], difference: float) -> list[list[str]]:
    """Maximal runs of labels, in the order of their mean ranks, whose extremes are less than ``difference`` apart."""
    labels = sorted(mean_ranks, key=lambda label: mean_ranks[label])
    found: list[list[str]] = []
    last = 0
    for start, label in enumerate(labels):
        end = start + 1
        while end < len(labels) and mean_ranks[labels[end]] - mean_ranks[label] < difference:
            end += 1
        if end > last:
            found.append(labels[start:end])
            last = end
    return found


def critical_difference(scores: Floats, labels: list[str], *, sign: float = 1.0, confidence: float = 0.95) -> Critical | None:
    """Friedman and Nemenyi over ``scores`` (N, K) of K explainers on N samples.

    Samples that lack a score of any explainer are left out. None if fewer than two explainers or two samples remain; all explainers are in
    one clique if Friedman's test finds nothing.
    """
    whole = scores[~np.isnan(scores).any(axis=1)]
    n, k = whole.shape
    if n < 2 or k < 2:
        return None
    sample_ranks = rank_scores(whole, sign)
    mean = {label: float(value) for label, value in zip(labels, sample_ranks.mean(axis=0), strict=True)}
    difference = critical_value(k, confidence) * float(np.sqrt(k * (k + 1) / (6 * n)))
    p = friedman_p(sample_ranks)
    cliques = rank_cliques(mean, difference if p < 1 - confidence else np.inf)
    return Critical(samples=n, p_friedman=p, difference=difference, mean_ranks=mean, cliques=cliques)
