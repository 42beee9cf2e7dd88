"""The analysis of one dataset with one model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from harness.analysis.bootstrap import nan_mean, percentile_bounds, resample_seed, resampled_means
from harness.analysis.confidence_intervals import Interval, ScoreScale, mean_intervals
from harness.analysis.explainer_comparisons import compare_explainers, compare_with_nulls
from harness.analysis.friedman import CriticalDifference, critical_difference
from harness.analysis.paired_tests import PairedComparison, paired_differences
from harness.analysis.ranking import Weighting, category_ranks, metric_ranks, overall_ranks, ranking_order
from harness.analysis.run_statistics import CellLabels, CellStatistics, GroupStatistics, NullComparison, RowStatistics
from harness.results.data_model import RANK_INTERVALS_FROM, Bools, Floats, Group, Results

WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)


def analyse_group(group: Group, results: Results, selected: NDArray[np.intp]) -> GroupStatistics:
    """All numbers of one group over the ``selected`` samples."""
    scores = score_cube(group, selected)
    means = nan_mean(scores)
    seed = resample_seed(results.seed, [group.samples[k] for k in selected])
    draws = resampled_means(scores, results.bootstrap, seed)
    whole = ranked_cells(group, selected) & ~np.isnan(means)
    signs = [info.sign for info in group.metrics]
    by_metric = metric_ranks(np.where(whole, means, np.nan), signs)
    drawn = metric_ranks(np.where(whole, draws, np.nan), signs)
    scale = ScoreScale.of_metrics(group.metrics, scores)
    references, nulls = _compare_with_reference(group, results, scores, draws, seed, scale), _compare_with_nulls(group, results, scores)
    intervals = _intervals(scores, means, draws, scale, results.confidence)
    cells = {
        (row, column): _cell_statistics(group, (row, column), selected, intervals[e][m], by_metric[e, m], references, nulls)
        for e, row in enumerate(group.explainer_labels)
        for m, column in enumerate(group.metric_labels)
        if (row, column) in group.cells
    }
    if len(selected) < RANK_INTERVALS_FROM:
        drawn = np.full_like(drawn, np.nan)
    rows = _row_statistics(group, by_metric, drawn, nulls, results.confidence)
    return GroupStatistics(
        group=group,
        selected=len(selected),
        rows=rows,
        cells=cells,
        order={
            weighting: ranking_order(
                {label: row.rank[weighting].mean for label, row in rows.items()}, {label: row.complete for label, row in rows.items()}
            )
            for weighting in WEIGHTINGS
        },
        critical=_critical_by_metric(group, scores, whole, results.confidence),
        critical_overall=_critical_overall(group, scores, whole, results.confidence),
        draws={weighting: overall_ranks(drawn, _categories(group), weighting) for weighting in WEIGHTINGS},
    )


def score_cube(group: Group, selected: NDArray[np.intp]) -> Floats:
    """Scores ``(N, E, M)`` of the selected samples; NaN where a score is undefined, infinite or was not computed, or its cell is not ok."""
    cube = np.full((len(selected), len(group.explainers), len(group.metrics)), np.nan)
    for e, row in enumerate(group.explainer_labels):
        for m, column in enumerate(group.metric_labels):
            cell = group.cells.get((row, column))
            if cell is not None and cell.status == "ok":
                values = cell.values[selected]
                cube[:, e, m] = np.where(cell.computed[selected] & np.isfinite(values), values, np.nan)
    return cube


def ranked_cells(group: Group, selected: NDArray[np.intp]) -> Bools:
    """``(E, M)`` whether a cell is ok and was computed for every selected sample, under a metric that is ranked: only such cells are."""
    found = np.zeros((len(group.explainers), len(group.metrics)), dtype=bool)
    for e, row in enumerate(group.explainer_labels):
        for m, column in enumerate(group.metric_labels):
            cell = group.cells.get((row, column))
            found[e, m] = group.metrics[m].ranked and cell is not None and cell.status == "ok" and bool(cell.computed[selected].all())
    return found


def _categories(group: Group) -> list[str]:
    return [info.category for info in group.metrics]


def _intervals(scores: Floats, means: Floats, draws: Floats, scale: ScoreScale, confidence: float) -> list[list[Interval]]:
    """The means ``(E, M)`` with their intervals."""
    explainers, metrics = means.shape
    flat = [values.reshape(len(values), means.size) for values in (scores, draws)]
    found = mean_intervals(flat[0], flat[1], scale.columns([*range(metrics)] * explainers), confidence)
    intervals = [Interval(*each) for each in zip(means.ravel().tolist(), found.low.tolist(), found.high.tolist(), found.kinds, strict=True)]
    return [intervals[e * metrics : (e + 1) * metrics] for e in range(explainers)]


def _compare_with_reference(
    group: Group, results: Results, scores: Floats, draws: Floats, seed: int, scale: ScoreScale
) -> dict[CellLabels, PairedComparison]:
    """Comparisons with the reference by (explainer, metric), of the cells that have scores where the reference has."""
    labels = group.explainer_labels
    if results.reference not in labels:
        return {}
    reference = labels.index(results.reference)
    found: dict[CellLabels, PairedComparison] = {}
    for m, metric in enumerate(group.metrics):
        column = np.ascontiguousarray(scores[:, :, m].T).T
        scored: Bools = np.asarray(~np.isnan(column).all(axis=0))
        rows = [e for e in np.flatnonzero(scored) if e != reference and scored[reference]]
        differences = paired_differences(column[:, rows], column[:, [reference]])
        drawn = _paired_draws(differences, draws[:, rows, m] - draws[:, [reference], m], results, seed)
        intervals = mean_intervals(differences, drawn, scale.of_differences().columns([m] * len(rows)), results.confidence)
        tested = compare_explainers(differences, [labels[e] for e in rows], intervals, sign=metric.sign, confidence=results.confidence)
        found.update({(label, metric.label): comparison for label, comparison in tested.items()})
    return found


def _paired_draws(differences: Floats, drawn: Floats, results: Results, seed: int) -> Floats:
    """Mean differences ``(R, K)`` of the resamples: ``drawn``, the differences of means, and anew where a difference has gaps."""
    gappy = np.isnan(differences).any(axis=0)
    if gappy.any():
        drawn = drawn.copy()
        drawn[:, gappy] = resampled_means(differences[:, gappy], results.bootstrap, seed)
    return drawn


def _compare_with_nulls(group: Group, results: Results, scores: Floats) -> dict[CellLabels, NullComparison]:
    """Comparisons with the best null by (explainer, metric)."""
    nulls = [info.label for info in group.explainers if info.null or info.label in results.nulls]
    twins = {info.label: info.twin_of for info in group.explainers if info.twin_of is not None}
    found: dict[CellLabels, NullComparison] = {}
    for m, metric in enumerate(group.metrics):
        scored = np.flatnonzero(~np.isnan(scores[:, :, m]).all(axis=0))
        labels = [group.explainer_labels[e] for e in scored]
        column = np.ascontiguousarray(scores[:, scored, m].T).T
        held = compare_with_nulls(column, labels, nulls, twins, sign=metric.sign, confidence=results.confidence)
        found.update({(label, metric.label): comparison for label, comparison in held.items()})
    return found


def _cell_statistics(
    group: Group,
    pair: CellLabels,
    selected: NDArray[np.intp],
    score: Interval,
    rank: float,
    references: dict[CellLabels, PairedComparison],
    nulls: dict[CellLabels, NullComparison],
) -> CellStatistics:
    cell = group.cells[pair]
    computed = cell.computed[selected]
    defined = int((computed & np.isfinite(cell.values[selected])).sum())
    return CellStatistics(
        status=cell.status,
        reason=cell.reason,
        score=score,
        n=defined,
        undefined=int(computed.sum()) - defined,
        missing=len(selected) - int(computed.sum()),
        rank=float(rank),
        versus_reference=references.get(pair),
        versus_null=nulls.get(pair),
    )


def rank_intervals(mean: Floats, draws: Floats, confidence: float) -> list[Interval]:
    """Percentile intervals ``(E,)`` of ``draws`` (R, E), widened where needed to hold the ranks ``mean`` (E,); none where draws are NaN.

    A best or worst rank lies at the edge of what resamples can give, and may fall just outside.
    """
    low, high = percentile_bounds(draws, confidence)
    bounds = np.where(np.isnan(low), np.nan, np.fmin(mean, low)), np.where(np.isnan(high), np.nan, np.fmax(mean, high))
    return [Interval(*each) for each in zip(mean.tolist(), *(bound.tolist() for bound in bounds), strict=True)]


def _row_statistics(
    group: Group, by_metric: Floats, drawn: Floats, nulls: dict[CellLabels, NullComparison], confidence: float
) -> dict[str, RowStatistics]:
    categories = _categories(group)
    ranks = {
        weighting: rank_intervals(overall_ranks(by_metric, categories, weighting), overall_ranks(drawn, categories, weighting), confidence)
        for weighting in WEIGHTINGS
    }
    within, drawn_within = category_ranks(by_metric, categories), category_ranks(drawn, categories)
    judged = {info.category for info in group.metrics if info.ranked}
    by_category = {name: rank_intervals(within[name], drawn_within[name], confidence) for name in within if name in judged}
    ranked = ~np.isnan(by_metric)
    rows = {}
    for e, label in enumerate(group.explainer_labels):
        held = [found.beaten for (row, _), found in nulls.items() if row == label]
        rows[label] = RowStatistics(
            rank={weighting: ranks[weighting][e] for weighting in WEIGHTINGS},
            categories={name: intervals[e] for name, intervals in by_category.items()},
            ranked=int(ranked[e].sum()),
            of=int(ranked.any(axis=0).sum()),
            beats_null=sum(held),
            against_null=len(held),
        )
    return rows


def _critical_by_metric(group: Group, scores: Floats, whole: Bools, confidence: float) -> dict[str, CriticalDifference | None]:
    found = {}
    for m, metric in enumerate(group.metrics):
        kept = np.flatnonzero(whole[:, m])
        labels = [group.explainer_labels[e] for e in kept]
        found[metric.label] = critical_difference(scores[:, kept, m], labels, sign=metric.sign, confidence=confidence)
    return found


def _critical_overall(group: Group, scores: Floats, whole: Bools, confidence: float) -> dict[Weighting, CriticalDifference | None]:
    """Critical differences over each sample's rank averaged over metrics, of the explainers with every cell that anybody has.

    A metric counts for a sample where it is defined for all of these explainers.
    """
    columns = np.flatnonzero(whole.any(axis=0))
    kept = np.flatnonzero(whole[:, columns].all(axis=1))
    labels: Sequence[str] = [group.explainer_labels[e] for e in kept]
    chosen = scores[:, kept][:, :, columns]
    chosen = np.where(np.isnan(chosen).any(axis=1, keepdims=True), np.nan, chosen)
    sample_ranks = metric_ranks(chosen, [group.metrics[m].sign for m in columns])
    categories = [group.metrics[m].category for m in columns]
    return {
        weighting: critical_difference(overall_ranks(sample_ranks, categories, weighting), list(labels), sign=-1, confidence=confidence)
        for weighting in WEIGHTINGS
    }
