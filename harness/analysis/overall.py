"""Ranks across groups: datasets, models and training seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.groups import WEIGHTINGS, AnalysedGroup, rank_intervals
from harness.analysis.ranking import ranking_order
from harness.results.data_model import Group, Results, Weighting
from harness.results.document import OverallEntry, Rank
from harness.results.field_types import Floats


def replicate_families(groups: Sequence[Group]) -> list[list[int]]:
    """Indices of groups that are replicates of one another: the same dataset and models that differ in a training seed alone."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    for k, group in enumerate(groups):
        found.setdefault((group.dataset, group.replicate_of or group.model, group.replicate_of is not None), []).append(k)
    return list(found.values())


def overall_entries(groups: Sequence[AnalysedGroup], results: Results) -> list[OverallEntry]:
    """Every explainer's rank averaged over its groups, from best to worst; replicates are averaged first, and count as one.

    An interval holds the samples' variation, and the training seeds' if models are replicates.
    """
    infos = {info.label: info for group in results.groups for info in reversed(group.explainers)}
    labels = list(dict.fromkeys(label for group in results.groups for label in group.explainer_labels))
    families = replicate_families(results.groups)
    ranks = {weighting: np.stack([_mean_ranks(found, labels, weighting) for found in groups]) for weighting in WEIGHTINGS if groups}
    intervals = {weighting: _intervals(groups, labels, families, weighting, found, results) for weighting, found in ranks.items()}
    entries = []
    for e, label in enumerate(labels):
        info, rows = infos[label], [found.rows[label] for found in groups if label in found.rows]
        means = {weighting: intervals[weighting][e] for weighting in WEIGHTINGS}
        entries.append(
            OverallEntry(
                explainer=info.component,
                label=label,
                plugin=info.plugin,
                null=results.is_null(info),
                rank=means["category"],
                ranks=means,
                spread={weighting: _spread(ranks[weighting][:, e]) for weighting in WEIGHTINGS},
                groups=sum(row.metrics_ranked > 0 for row in rows),
                groups_of=len(groups),
                complete=len(rows) == len(groups) and all(row.complete for row in rows),
                beats_null=sum(row.beats_null for row in rows),
                against_null=sum(row.against_null for row in rows),
            )
        )
    return ranking_order(entries)


def _mean_ranks(group: AnalysedGroup, labels: Sequence[str], weighting: Weighting) -> Floats:
    """``(E,)`` in the order of ``labels``; NaN for labels that the group does not have, or does not rank."""
    means = [group.rows[label].ranks[weighting].mean if label in group.rows else None for label in labels]
    return np.asarray(means, dtype=np.float64)


def _intervals(
    groups: Sequence[AnalysedGroup],
    labels: Sequence[str],
    families: Sequence[Sequence[int]],
    weighting: Weighting,
    ranks: Floats,
    results: Results,
) -> list[Rank]:
    """The mean of ``ranks`` (G, E) over families, with intervals."""
    aligned = np.full((len(groups), results.bootstrap, len(labels)), np.nan)
    for found, draws in zip(groups, aligned, strict=True):
        draws[:, [labels.index(label) for label in found.group.explainer_labels]] = found.draws[weighting]
    drawn = _resample_replicates(aligned, families, np.random.default_rng(results.seed))
    without = ~np.isnan(ranks) & np.isnan(aligned).all(axis=1)  # ranked in a group of too few samples
    drawn[:, without.any(axis=0)] = np.nan
    return rank_intervals(_family_mean(ranks, families), drawn, results.confidence)


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
