"""On how many samples an explainer's score is better than a null's, and the null against which these are fewest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.analysis.bootstrap import nan_mean
from harness.analysis.paired_tests import paired_differences
from harness.results.field_types import Floats

LEAST_NULL_SHARE = 0.5
"""Share of the samples that any null has a score for, from which on a null is one to beat: few samples could be its lucky ones."""


def superiority(scores: Floats, null: Floats, sign: float) -> Floats:
    """Whether each of ``scores`` is better than the null's: 1, ½ if tied or undefined, 0 if worse; of shapes that broadcast.

    NaN where the null's is undefined. ``sign`` is 1 if higher is better, -1 if lower is. Scores that differ by float noise are tied.
    """
    difference = sign * paired_differences(scores, null)
    found: Floats = np.where(np.isnan(difference), 0.5, (np.sign(difference) + 1) / 2)
    return np.where(np.isnan(null), np.nan, found)


def null_candidates(explainer: str | None, nulls: Mapping[str, Floats], twins: Mapping[str, str]) -> dict[str, Floats]:
    """Those of ``nulls``, scores (N,) by label, that the explainer of this label (None: any) must beat under one metric, in their order.

    Those with scores on at least half of the samples on which any of them has one. ``twins``: null label → the label whose twin it is;
    a twin is a null of its own explainer (and of itself) alone. A null is held against itself in any case, and is no better than a null.
    """
    own = {null: scores for null, scores in nulls.items() if explainer in (null, twins.get(null, explainer))}
    if not own:
        return {}
    defined = {null: ~np.isnan(scores) for null, scores in own.items()}
    needed = LEAST_NULL_SHARE * np.logical_or.reduce(list(defined.values())).sum()
    return {null: scores for null, scores in own.items() if defined[null].sum() >= (1 if null == explainer else max(needed, 1))}


def hardest_null(scores: Floats, candidates: Mapping[str, Floats], sign: float) -> str | None:
    """The label of the candidate, scores (N,) by label, against which the mean superiority of ``scores`` (N,) is least; None without any.

    Of several, the one with the best mean, then the first by label: never by the order of rows.
    """
    if not candidates:
        return None
    labels, nulls, wins = _hold_against(scores, candidates, sign)
    return labels[_hardest(wins, sign * nulls)]


def wins_against_hardest(scores: Floats, candidates: Mapping[str, Floats], sign: float, folds: NDArray[np.intp] | None = None) -> Floats:
    """Superiority ``(N,)`` of ``scores`` (N,) over the hardest candidate, on the same samples, or for each fold of them on the others.

    On the same samples it is the one that happens to be the hardest there: if several are equally hard, an explainer seems worse than it
    is against any (of five, by 0.07 with 48 samples). On others it need not be the hardest, and the explainer seems better than it is. What
    is true lies between.

    Args:
        candidates: scores ``(N,)`` by label, at least one of them.
        folds: ``(N,)`` the fold of each sample; one of all if there are none.
    """
    _, nulls, wins = _hold_against(scores, candidates, sign)
    found = np.empty(len(scores))
    parts = np.zeros(len(scores), dtype=np.intp) if folds is None else folds
    numbers = np.unique(parts)
    for fold in numbers:
        inside = parts == fold
        others = ~inside if len(numbers) > 1 else inside
        found[inside] = wins[inside, _hardest(wins[others], sign * nulls[others])]
    return found


def _hold_against(scores: Floats, candidates: Mapping[str, Floats], sign: float) -> tuple[list[str], Floats, Floats]:
    """The labels of candidates, sorted, their scores (N, K), and the superiority (N, K) of ``scores`` (N,) over them."""
    labels = sorted(candidates)
    nulls = np.stack([candidates[label] for label in labels], axis=1)
    return labels, nulls, superiority(scores[:, None], nulls, sign)


def _hardest(wins: Floats, nulls: Floats) -> int:
    """The column with the least mean of ``wins`` (N, K), of several the one with the greatest of ``nulls`` (N, K), then the first."""
    shares, means = nan_mean(wins), nan_mean(nulls)
    return min(range(wins.shape[1]), key=lambda k: (np.nan_to_num(shares[k], nan=np.inf), -np.nan_to_num(means[k])))


def draw_folds(samples: Sequence[str], seed: int, count: int = 2) -> NDArray[np.intp]:
    """Folds ``(N,)`` of about equal size, ``count`` or one for each sample, that the samples' names decide, whatever their order."""
    digests = [hashlib.sha256(f"{seed}\0{name}".encode()).digest() for name in samples]
    places = np.empty(len(digests), dtype=np.intp)
    places[sorted(range(len(digests)), key=digests.__getitem__)] = np.arange(len(digests))
    return places % max(min(count, len(digests)), 1)
