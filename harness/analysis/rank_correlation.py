"""Rank correlations of metrics (Spearman 1904): of the explainers' mean scores, and of the samples' scores."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.ranking import rank_scores
from harness.results.field_types import Floats

MIN_CORRELATED = 3  # values that a rank correlation is taken over


def metric_correlations(scores: Floats) -> tuple[Floats, Floats]:
    """Correlations ``(M, M)`` of M metrics over explainers and over samples, of ``scores`` (N, E, M) that are oriented: more is better.

    Over explainers: of their mean scores. Over samples: of each explainer's scores, averaged over explainers.
    """
    per_explainer = [rank_correlations(scores[:, e]) for e in range(scores.shape[1])]
    size = scores.shape[2]
    return rank_correlations(nan_mean(scores)), nan_mean(np.stack(per_explainer) if per_explainer else np.empty((0, size, size)))


def rank_correlations(values: Floats) -> Floats:
    """Spearman correlations ``(M, M)`` of the columns of ``values`` (N, M), each over the rows that both columns have.

    NaN if these are fewer than three, or if a column has one value only.
    """
    columns = values.shape[1]
    found = np.full((columns, columns), np.nan)
    gaps: dict[bytes, list[int]] = {}
    for column in range(columns):
        gaps.setdefault(np.isnan(values[:, column]).tobytes(), []).append(column)
    for first, second in combinations_with_replacement(gaps.values(), 2):
        rows = ~np.isnan(values[:, first[0]]) & ~np.isnan(values[:, second[0]])
        if rows.sum() >= MIN_CORRELATED:
            both = _standardise_ranks(values[np.ix_(rows, first)]).T @ _standardise_ranks(values[np.ix_(rows, second)])
            found[np.ix_(first, second)] = both
            found[np.ix_(second, first)] = both.T
    return np.clip(found, -1.0, 1.0)


def _standardise_ranks(values: Floats) -> Floats:
    """Ranks of each column, of mean 0 and length 1; NaN for a column of one value."""
    centred = rank_scores(values, sign=-1.0, axis=0)
    centred = centred - centred.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    return np.asarray(np.divide(centred, length, out=np.full_like(centred, np.nan), where=length > 0))
