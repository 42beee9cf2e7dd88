"""The Wilcoxon signed-rank test (Wilcoxon 1945), exact with ties: zeros are left out, ties share the mean of their ranks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import special

from harness.analysis.ranking import rank_scores
from harness.results.field_types import Floats

ZeroMethod = Literal["drop", "split"]

EXACT_UP_TO = 100
"""Differences, zeros left out, up to which the exact distribution is used; beyond, the normal one with a correction for continuity."""


@dataclass(frozen=True)
class SignedRanks:
    """Tests of the signed ranks of K columns of differences, each ``(K,)``.

    Attributes:
        p: two-sided.
        p_greater: one-sided, small if differences are positive.
        effect: matched-pairs rank-biserial correlation in [-1, 1] (Kerby 2014): favourable minus unfavourable share of the rank sum.

    Without a single difference all three are NaN; if all differences are 0, p is 1 and the effect 0.
    """

    p: Floats
    p_greater: Floats
    effect: Floats


def signed_ranks(differences: Floats, *, zeros: ZeroMethod = "drop") -> SignedRanks:
    """The test of each column of ``differences`` (N, K), NaN left out.

    ``zeros``: whether differences of 0 are left out (Wilcoxon 1945), or are ranked before all others and split evenly between the signs
    (``zsplit`` of SciPy), which gives all others higher ranks.
    """
    columns = np.ascontiguousarray(differences.T)
    undefined = np.isnan(columns).all(axis=1)
    sizes = np.abs(columns)
    if zeros == "drop":
        sizes[columns == 0] = np.nan
    ranked = np.where(columns == 0, np.nan, rank_scores(sizes, sign=-1.0))
    favourable, total = np.nansum(np.where(columns > 0, ranked, 0.0), axis=1), np.nansum(ranked, axis=1)
    p, p_greater = np.ones((2, len(columns)))
    count = (~np.isnan(ranked)).sum(axis=1)
    for k in np.flatnonzero((count > 0) & (count <= EXACT_UP_TO)):
        p[k], p_greater[k] = exact_p(ranked[k][~np.isnan(ranked[k])], favourable[k])
    many = count > EXACT_UP_TO
    p[many], p_greater[many] = _normal_p(favourable[many] - total[many] / 2, np.nansum(ranked[many] ** 2, axis=1) / 4)
    effect = np.divide(2 * favourable - total, total, out=np.zeros(len(columns)), where=total > 0)
    for found in (p, p_greater, effect):
        found[undefined] = np.nan
    return SignedRanks(p, p_greater, effect)


def _normal_p(excess: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Two-sided p, and that of a greater sum, if rank sums exceed their expectation by ``excess``."""
    deviation = np.sqrt(variance)
    two_sided = np.minimum(2 * special.ndtr(-(np.abs(excess) - 0.5) / deviation), 1.0)
    return two_sided, special.ndtr(-(excess - 0.5) / deviation)


def exact_p(ranked: Floats, favourable: float) -> tuple[float, float]:
    """Two-sided p, and that of a greater sum, of the rank sum ``favourable`` when every rank of ``ranked`` (n,) has either sign equally."""
    doubled = np.rint(2 * np.sort(ranked)).astype(np.int64)
    unit = int(np.gcd.reduce(doubled))
    place = round(2 * favourable / unit)
    at_most, at_least = _tail_probabilities(tuple((doubled // unit).tolist()))
    return min(1.0, 2 * min(at_most[place], at_least[place])), float(at_least[place])


@lru_cache(maxsize=256)
def _tail_probabilities(weights: tuple[int, ...]) -> tuple[Floats, Floats]:
    """P(S ≤ s) and P(S ≥ s) for s = 0 … the sum of ``weights``, S being the sum of those that a fair coin chooses.

    One weight after the other is chosen or not: with it the distribution is shifted by the weight. All terms are positive, so that small
    tails are as exact as large ones.
    """
    distribution = np.zeros(sum(weights) + 1)
    distribution[0] = 1.0
    reached = 1
    for weight in weights:
        half = distribution[:reached] / 2
        distribution[:reached] = half
        reached += weight
        distribution[weight:reached] += half
    at_most = np.cumsum(distribution)
    return at_most, at_most[::-1].copy()  # the distribution is symmetric
