"""Results → document."""

from __future__ import annotations

import math

import numpy as np

from harness.analysis.analyse import analyse_results
from harness.analysis.confidence_intervals import Interval
from harness.analysis.friedman import CriticalDifference
from harness.analysis.groups import WEIGHTINGS
from harness.analysis.paired_tests import PairedComparison
from harness.analysis.run_statistics import CellStatistics, GroupStatistics, ModelComparison, RowStatistics, RunStatistics
from harness.leaderboard.build_meta import build_meta_entry
from harness.meta.analysis import analyse_meta
from harness.results.data_model import ExplainerInfo, ExplainerNotes, MetricInfo, Results
from harness.results.document import (
    CellEntry,
    CostsEntry,
    Critical,
    GroupEntry,
    Leaderboard,
    MetricEntry,
    ModelsEntry,
    NotesEntry,
    OverallEntry,
    Rank,
    Row,
    Settings,
    Versus,
)


def build_leaderboard(results: Results) -> Leaderboard:
    """The leaderboard of a run: rows sorted by mean rank, nulls marked, every cell with its state."""
    numbers = analyse_results(results)
    return Leaderboard(
        run=results.provenance,
        settings=Settings(
            confidence=results.confidence,
            bootstrap=results.bootstrap,
            seed=results.seed,
            samples=results.samples_rule,
            reference=results.reference,
            nulls=results.nulls,
        ),
        groups=[_group(group, results) for group in numbers.groups],
        overall=_overall(numbers, results),
        models=[_models(found) for found in numbers.models],
        meta=[build_meta_entry(found, results) for found in analyse_meta(results)],
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _rank(interval: Interval) -> Rank:
    return Rank(mean=_finite(interval.mean), low=_finite(interval.low), high=_finite(interval.high))


def _is_null(info: ExplainerInfo, results: Results) -> bool:
    return info.null or info.label in results.nulls


def _group(numbers: GroupStatistics, results: Results) -> GroupEntry:
    group = numbers.group
    infos = {info.label: info for info in group.explainers}
    return GroupEntry(
        dataset=group.dataset,
        model=group.model,
        samples=numbers.selected,
        samples_total=len(group.samples),
        accuracy=_finite(group.accuracy),
        metrics=[_metric(info) for info in group.metrics],
        rows=[_row(infos[label], numbers, results) for label in numbers.order["category"]],
        critical_difference={weighting: _critical(numbers.critical_overall[weighting]) for weighting in WEIGHTINGS},
        critical_difference_by_metric={label: _critical(found) for label, found in numbers.critical.items()},
        notes=group.group_notes,
    )


def _metric(info: MetricInfo) -> MetricEntry:
    return MetricEntry(
        name=info.component,
        label=info.label,
        category=info.category,
        direction=info.direction,
        bounds=info.bounds,
        plugin=info.plugin,
        version=info.version,
    )


def _row(info: ExplainerInfo, numbers: GroupStatistics, results: Results) -> Row:
    group, row = numbers.group, numbers.rows[info.label]
    costs = group.costs.get(info.label)
    return Row(
        explainer=info.component,
        label=info.label,
        plugin=info.plugin,
        version=info.version,
        null=_is_null(info, results),
        twin_of=info.twin_of,
        rank=_rank(row.rank["category"]),
        ranks=_ranks(row),
        categories={name: _rank(interval) for name, interval in row.categories.items()},
        complete=row.complete,
        metrics_ranked=row.ranked,
        metrics_of=row.of,
        beats_null=row.beats_null,
        against_null=row.against_null,
        costs=CostsEntry()
        if costs is None
        else CostsEntry(
            seconds_per_sample=_finite(costs.seconds_per_sample),
            passes_per_sample=_finite(costs.passes_per_sample),
            peak_memory=_finite(costs.peak_memory),
            hardware=costs.hardware,
        ),
        notes=_notes(group.notes.get(info.label, ExplainerNotes())),
        cells={
            metric.label: _cell(numbers.cells[info.label, metric.label])
            for metric in group.metrics
            if (info.label, metric.label) in numbers.cells
        },
    )


def _ranks(row: RowStatistics) -> dict[str, Rank]:
    return {weighting: _rank(row.rank[weighting]) for weighting in WEIGHTINGS}


def _notes(notes: ExplainerNotes) -> NotesEntry:
    errors = np.array([]) if notes.completeness is None else notes.completeness[np.isfinite(notes.completeness)]
    return NotesEntry(
        zero_maps=notes.zero_maps,
        completeness_error=float(np.median(errors)) if len(errors) else None,
        broken=notes.broken,
        warnings=list(notes.warnings),
    )


def _cell(cell: CellStatistics) -> CellEntry:
    return CellEntry(
        status=cell.status,
        mean=_finite(cell.score.mean),
        low=_finite(cell.score.low),
        high=_finite(cell.score.high),
        interval=cell.score.kind,
        n=cell.n,
        undefined=cell.undefined,
        missing=cell.missing,
        rank=_finite(cell.rank),
        beats_null=None if cell.versus_null is None else cell.versus_null.beaten,
        null=None if cell.versus_null is None else cell.versus_null.null,
        p_null_holm=None if cell.versus_null is None else _finite(cell.versus_null.p_holm),
        versus_reference=None if cell.versus_reference is None else _versus(cell.versus_reference),
        reason=cell.reason,
    )


def _versus(found: PairedComparison) -> Versus:
    return Versus(
        difference=_finite(found.difference),
        low=_finite(found.low),
        high=_finite(found.high),
        effect=_finite(found.effect),
        d_z=_finite(found.d_z),
        p_ttest_holm=_finite(found.p_ttest_holm),
        p_wilcoxon_holm=_finite(found.p_wilcoxon_holm),
        pairs=found.pairs,
        verdict=found.verdict,
    )


def _models(found: ModelComparison) -> ModelsEntry:
    cells: dict[str, dict[str, Versus]] = {}
    for (explainer, metric), comparison in found.cells.items():
        cells.setdefault(explainer, {})[metric] = _versus(comparison)
    return ModelsEntry(dataset=found.dataset, first=list(found.first), second=list(found.second), samples=found.samples, cells=cells)


def _critical(found: CriticalDifference | None) -> Critical | None:
    if found is None:
        return None
    return Critical(
        samples=found.samples,
        p_friedman=_finite(found.p_friedman),
        difference=_finite(found.difference),
        mean_ranks=found.mean_ranks,
        cliques=found.cliques,
    )


def _overall(numbers: RunStatistics, results: Results) -> list[OverallEntry]:
    infos = {info.label: info for group in results.groups for info in reversed(group.explainers)}
    entries = []
    for label in numbers.order["category"]:
        row, info = numbers.overall[label], infos[label]
        ranks = {weighting: _rank(row.rank[weighting]) for weighting in WEIGHTINGS}
        entries.append(
            OverallEntry(
                explainer=info.component,
                label=label,
                plugin=info.plugin,
                null=_is_null(info, results),
                rank=ranks["category"],
                ranks=ranks,
                spread={weighting: _finite(row.spread[weighting]) for weighting in WEIGHTINGS},
                groups=row.groups,
                groups_of=row.of,
                complete=row.complete,
                beats_null=row.beats_null,
                against_null=row.against_null,
            )
        )
    return entries
