"""The analysis of one dataset with one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from harness.analysis.bootstrap import nan_mean, percentile_bounds, resample_seed, resampled_means
from harness.analysis.confidence_intervals import ScoreScale, mean_intervals
from harness.analysis.friedman import critical_difference
from harness.analysis.group_comparisons import CellLabels, compare_cells
from harness.analysis.ranking import category_ranks, metric_ranks, overall_ranks, ranking_order
from harness.results.data_model import RANK_INTERVALS_FROM, CostsEntry, ExplainerNotes, Group, Results, Weighting
from harness.results.document import CellEntry, Critical, GroupEntry, MetricEntry, NotesEntry, Rank, Row
from harness.results.field_types import Bools, Floats
from harness.results.sample_selection import selected_samples

WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)


@dataclass(frozen=True)
class AnalysedGroup:
    """A group, its entry in the document, and the resamples ``(R, E)`` of overall ranks by weighting, explainers in the spec's order."""

    group: Group
    entry: GroupEntry
    draws: dict[Weighting, Floats]

    @cached_property
    def rows(self) -> dict[str, Row]:
        """Rows by label."""
        return {row.label: row for row in self.entry.rows}


def analyse_group(group: Group, results: Results) -> AnalysedGroup:
    """All numbers of one group over the samples that count."""
    selected = selected_samples(group, results.groups, results.samples_rule)
    scores = score_cube(group, selected)
    means = nan_mean(scores)
    draws = resampled_means(scores, results.bootstrap, resample_seed(results.seed, [group.samples[k] for k in selected]))
    whole = ranked_cells(group, selected) & ~np.isnan(means)
    signs = [info.sign for info in group.metrics]
    by_metric = metric_ranks(np.where(whole, means, np.nan), signs)
    drawn = metric_ranks(np.where(whole, draws, np.nan), signs)
    if len(selected) < RANK_INTERVALS_FROM:
        drawn = np.full_like(drawn, np.nan)
    rows = _rows(group, results, by_metric, drawn, _cells(group, results, selected, scores, by_metric))
    entry = GroupEntry(
        dataset=group.dataset,
        model=group.model,
        samples=len(selected),
        samples_total=len(group.samples),
        accuracy=group.accuracy,
        metrics=[MetricEntry(name=info.component, **vars(info)) for info in group.metrics],
        rows=ranking_order(rows),
        critical_difference=_critical_overall(group, scores, whole, results.confidence),
        critical_difference_by_metric=_critical_by_metric(group, scores, whole, results.confidence),
        notes=group.group_notes,
    )
    categories = [info.category for info in group.metrics]
    return AnalysedGroup(group, entry, {weighting: overall_ranks(drawn, categories, weighting) for weighting in WEIGHTINGS})


def score_cube(
    group: Group, selected: NDArray[np.intp], explainers: Sequence[str] | None = None, metrics: Sequence[str] | None = None
) -> Floats:
    """Scores ``(N, E, M)`` of the selected samples, of all explainers and metrics of the group, or of those of these labels.

    NaN if a score is undefined, infinite or was not computed, and for a cell that is not ok or that the group does not have.
    """
    rows = group.explainer_labels if explainers is None else explainers
    columns = group.metric_labels if metrics is None else metrics
    cube = np.full((len(selected), len(rows), len(columns)), np.nan)
    for (e, row), (m, column) in product(enumerate(rows), enumerate(columns)):
        cell = group.cells.get((row, column))
        if cell is not None and cell.status == "ok":
            values = cell.values[selected]
            cube[:, e, m] = np.where(cell.computed[selected] & np.isfinite(values), values, np.nan)
    return cube


def ranked_cells(group: Group, selected: NDArray[np.intp]) -> Bools:
    """``(E, M)`` whether a cell is ok and was computed for every selected sample, under a metric that is ranked: only such cells are."""
    found = np.zeros((len(group.explainers), len(group.metrics)), dtype=bool)
    for (e, row), (m, column) in product(enumerate(group.explainer_labels), enumerate(group.metric_labels)):
        cell = group.cells.get((row, column))
        found[e, m] = group.metrics[m].ranked and cell is not None and cell.status == "ok" and bool(cell.computed[selected].all())
    return found


def _cells(group: Group, results: Results, selected: NDArray[np.intp], scores: Floats, by_metric: Floats) -> dict[CellLabels, CellEntry]:
    """The cells that were asked for, with their means, intervals and comparisons."""
    scale = ScoreScale.of_metrics(group.metrics, scores)
    references, nulls = compare_cells(group, results, scores)
    means, metrics = nan_mean(scores), len(group.metrics)
    columns = scale.columns([*range(metrics)] * len(group.explainers))
    intervals = mean_intervals(scores.reshape(len(scores), means.size), columns, results.confidence)
    found = {}
    for place, pair in enumerate(product(group.explainer_labels, group.metric_labels)):
        if pair in group.cells:
            cell = group.cells[pair]
            computed = cell.computed[selected]
            defined = int((computed & np.isfinite(cell.values[selected])).sum())
            found[pair] = CellEntry(
                status=cell.status,
                mean=means.flat[place],
                low=intervals.low[place],
                high=intervals.high[place],
                interval=intervals.kinds[place],
                n=defined,
                undefined=int(computed.sum()) - defined,
                missing=len(selected) - int(computed.sum()),
                rank=by_metric.flat[place],
                versus_reference=references.get(pair),
                reason=cell.reason,
                **(nulls[pair]._asdict() if pair in nulls else {}),
            )
    return found


def rank_intervals(mean: Floats, draws: Floats, confidence: float) -> list[Rank]:
    """Percentile intervals ``(E,)`` of ``draws`` (R, E), widened if needed to hold the ranks ``mean`` (E,); none if draws are NaN.

    A best or worst rank lies at the edge of what resamples can give, and may fall just outside.
    """
    least, greatest = percentile_bounds(draws, confidence)
    bounds = np.where(np.isnan(least), np.nan, np.fmin(mean, least)), np.where(np.isnan(greatest), np.nan, np.fmax(mean, greatest))
    return [Rank(mean=mid, low=low, high=high) for mid, low, high in zip(mean, *bounds, strict=True)]


def _rows(group: Group, results: Results, by_metric: Floats, drawn: Floats, cells: dict[CellLabels, CellEntry]) -> list[Row]:
    """The explainers in the spec's order, with their ranks: ``by_metric`` (E, M) and as ``drawn`` (R, E, M)."""
    categories = [info.category for info in group.metrics]

    def intervals(mean: Floats, draws: Floats) -> list[Rank]:
        return rank_intervals(mean, draws, results.confidence)

    ranks = {
        weighting: intervals(overall_ranks(by_metric, categories, weighting), overall_ranks(drawn, categories, weighting))
        for weighting in WEIGHTINGS
    }
    within, drawn_within = category_ranks(by_metric, categories), category_ranks(drawn, categories)
    judged = {info.category for info in group.metrics if info.ranked}
    by_category = {name: intervals(within[name], drawn_within[name]) for name in within if name in judged}
    ranked = ~np.isnan(by_metric)
    ranked_anybody = int(ranked.any(axis=0).sum())
    rows = []
    for e, info in enumerate(group.explainers):
        own = {metric: cells[info.label, metric] for metric in group.metric_labels if (info.label, metric) in cells}
        held = [cell.beats_null for cell in own.values() if cell.beats_null is not None]
        notes = group.notes.get(info.label, ExplainerNotes())
        rows.append(
            Row(
                explainer=info.component,
                label=info.label,
                plugin=info.plugin,
                version=info.version,
                null=results.is_null(info),
                twin_of=info.twin_of,
                rank=ranks["category"][e],
                ranks={weighting: ranks[weighting][e] for weighting in WEIGHTINGS},
                categories={name: means[e] for name, means in by_category.items()},
                complete=0 < ranked_anybody == int(ranked[e].sum()),
                metrics_ranked=int(ranked[e].sum()),
                metrics_of=ranked_anybody,
                beats_null=sum(held),
                against_null=len(held),
                costs=group.costs.get(info.label, CostsEntry()),
                notes=NotesEntry(**{**vars(notes), "completeness_error": notes.median_error}),
                cells=own,
            )
        )
    return rows


def _critical_by_metric(group: Group, scores: Floats, whole: Bools, confidence: float) -> dict[str, Critical | None]:
    found = {}
    for m, metric in enumerate(group.metrics):
        kept = np.flatnonzero(whole[:, m])
        labels = [group.explainer_labels[e] for e in kept]
        found[metric.label] = critical_difference(scores[:, kept, m], labels, sign=metric.sign, confidence=confidence)
    return found


def _critical_overall(group: Group, scores: Floats, whole: Bools, confidence: float) -> dict[Weighting, Critical | None]:
    """Critical differences over each sample's rank averaged over metrics, of the explainers with every cell that anybody has.

    A metric counts for a sample if it is defined for all of these explainers.
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
