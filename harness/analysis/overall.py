"""Ranks across groups: datasets, models and training seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.groups import WEIGHTINGS, rank_intervals
from harness.analysis.ranking import Weighting
from harness.analysis.run_statistics import GroupStatistics, OverallStatistics
from harness.results.data_model import Floats, Results


def replicate_families(groups: Sequence[GroupStatistics]) -> list[list[int]]:
    """Indices of groups that are replicates of one another: the same dataset and models that differ in a training seed alone."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    for k, numbers in enumerate(groups):
        group = numbers.group
        replicated = group.replicate_of is not None
        found.setdefault((group.dataset, group.replicate_of or group.model, replicated), []).append(k)
    return list(found.values())


def overall_statistics(groups: Sequence[GroupStatistics], results: Results) -> dict[str, OverallStatistics]:
    """Every explainer's rank averaged over its groups; replicates are averaged first, and count as one."""
    labels = list(dict.fromkeys(label for numbers in groups for label in numbers.rows))
    sets = replicate_families(groups)
    ranks: dict[Weighting, Floats] = {}
    drawn: dict[Weighting, Floats] = {}
    for weighting in WEIGHTINGS:
        ranks[weighting] = np.stack([_align_to_labels(numbers, labels, _mean_ranks(numbers, weighting)[None])[0] for numbers in groups])
        aligned = np.stack([_align_to_labels(numbers, labels, numbers.draws[weighting]) for numbers in groups])
        drawn[weighting] = _resample_replicates(aligned, sets, np.random.default_rng(results.seed))
        without = ~np.isnan(ranks[weighting]) & np.isnan(aligned).all(axis=1)  # ranked in a group of too few samples
        drawn[weighting][:, without.any(axis=0)] = np.nan
    intervals = {
        weighting: rank_intervals(_family_mean(ranks[weighting], sets), drawn[weighting], results.confidence) for weighting in WEIGHTINGS
    }
    overall = {}
    for e, label in enumerate(labels):
        rows = [numbers.rows[label] for numbers in groups if label in numbers.rows]
        overall[label] = OverallStatistics(
            rank={weighting: intervals[weighting][e] for weighting in WEIGHTINGS},
            spread={weighting: _spread(ranks[weighting][:, e]) for weighting in WEIGHTINGS},
            groups=sum(row.ranked > 0 for row in rows),
            of=len(groups),
            complete=len(rows) == len(groups) and all(row.complete for row in rows),
            beats_null=sum(row.beats_null for row in rows),
            against_null=sum(row.against_null for row in rows),
        )
    return overall


def _mean_ranks(numbers: GroupStatistics, weighting: Weighting) -> Floats:
    return np.asarray([row.rank[weighting].mean for row in numbers.rows.values()])


def _align_to_labels(numbers: GroupStatistics, labels: Sequence[str], ranks: Floats) -> Floats:
    """Ranks ``(R, E)`` of a group in the order of ``labels``; NaN for labels that it does not have."""
    place = {label: k for k, label in enumerate(numbers.rows)}
    aligned = np.full((len(ranks), len(labels)), np.nan)
    for column, label in enumerate(labels):
        if label in place:
            aligned[:, column] = ranks[:, place[label]]
    return aligned


def _family_mean(ranks: Floats, sets: Sequence[Sequence[int]]) -> Floats:
    """Mean ``(…)`` over families of the mean within each of ``ranks`` (G, …)."""
    return nan_mean(np.stack([nan_mean(ranks[list(members)]) for members in sets]))


def _resample_replicates(ranks: Floats, sets: Sequence[Sequence[int]], generator: np.random.Generator) -> Floats:
    """Overall ranks ``(R, E)`` of the resamples ``ranks`` (G, R, E), replicates resampled with replacement in each."""
    resamples = ranks.shape[1]
    means = []
    for members in sets:
        own = ranks[list(members)]
        chosen = generator.integers(0, len(members), (len(members), resamples)) if len(members) > 1 else np.zeros((1, resamples), dtype=int)
        means.append(nan_mean(own[chosen, np.arange(resamples)]))
    return nan_mean(np.stack(means))


def _spread(ranks: Floats) -> float:
    defined = ranks[~np.isnan(ranks)]
    return float(defined.std(ddof=1)) if len(defined) > 1 else float("nan")
