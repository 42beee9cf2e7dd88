"""The leaderboard as CSV: numbers in full precision, one line per cell or per metric; what is undefined is empty."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from harness.leaderboard.sections.all_sections import View
from harness.leaderboard.sections.meta_evaluation import closest_metric
from harness.results.classification_document import MEASURES
from harness.results.document import CellEntry, GroupEntry, Leaderboard, MetricEntry, ModelsEntry, Row

CSV_COLUMNS = (
    "dataset", "model", "explainer", "component", "plugin", "null", "place", "place_low", "place_high",
    "skill", "skill_low", "skill_high", "alike", "first_share", "mean_rank",
    "metric", "metric_component", "category", "direction",
    "status", "mean", "low", "high", "interval", "n", "undefined", "missing",
    "cell_skill", "cell_skill_low", "cell_skill_high", "to_oracle", "weight", "rank",
    "beats_null", "hardest_null", "p_null", "p_null_adjusted",
    "difference", "effect", "p_ttest", "p_ttest_adjusted", "p_wilcoxon", "p_wilcoxon_adjusted", "verdict",
    "seconds_per_sample", "passes_per_sample", "peak_memory", "reason",
    "other_model", "model_difference", "model_difference_low", "model_difference_high", "model_effect",
    "p_model_wilcoxon", "p_model_wilcoxon_adjusted", "model_verdict",
)  # fmt: skip
COMPARED_FIELDS = ("difference", "effect", "p_ttest", "p_ttest_adjusted", "p_wilcoxon", "p_wilcoxon_adjusted", "verdict")
CONSISTENCY_FIELDS = ("iac_nr", "iec_nr", "iac_ar", "iec_ar", "nr", "ar", "mc", "mc_std", "minor_samples", "disruptive_samples")
META_COLUMNS = (
    "dataset", "model", "metric", "mc", *(f"{kind}_{part}" for kind in ("inputs", "weights") for part in CONSISTENCY_FIELDS),
    "oracle", "null", "best_null", "wins", "p_holm", "separates", "closest", "closest_over_explainers", "closest_over_samples",
)  # fmt: skip

PAIR_COLUMNS = (
    "dataset", "model", "first", "second", "metric", "samples", "pairs", "difference", "low", "high", "effect", "d_z",
    "p_ttest", "p_ttest_adjusted", "p_wilcoxon", "p_wilcoxon_adjusted", "verdict",
)  # fmt: skip
LEVEL_COLUMNS = (
    "dataset", "by", "level", "metric", "explainer", "null", "models", "samples", "n", "mean", "low", "high", "interval_over",
    "lower_whisker", "lower_quartile", "median", "upper_quartile", "upper_whisker", "outside", "alike",
    "minus", "difference", "difference_low", "difference_high", "effect", "test", "p", "p_adjusted", "pairs", "verdict",
)  # fmt: skip

PUBLISHED_FIELDS = ("ours", "low", "high", "deviation", "means", "verdict", "published", "published_deviation", "published_words")
PUBLISHED_COLUMNS = ("title", "source", "row", "column", "measured", "passes", *PUBLISHED_FIELDS)
MODEL_COLUMNS = (
    "dataset", "model", "family", "seed", "n", "accuracy", "accuracy_low", "accuracy_high", *MEASURES[1:], "undefined", "kept",
)  # fmt: skip


def render_csv(document: Leaderboard, view: View) -> str:
    """A line per cell that was asked for, or per cell of published tables; of metrics, pairs, models and levels a line for each."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns, made = _lines(document, view)
    writer.writerow(columns)
    writer.writerows(made)
    return out.getvalue()


def _lines(document: Leaderboard, view: View) -> tuple[tuple[str, ...], Iterator[list[object]]]:
    """What is asked for: the columns, and a line for each thing."""
    if view.levels:
        return LEVEL_COLUMNS, level_lines(document)
    if view.pairs:
        return PAIR_COLUMNS, pair_lines(document)
    if view.meta:
        return META_COLUMNS, meta_lines(document)
    if view.published:
        return PUBLISHED_COLUMNS, published_lines(document)
    if view.models:
        return MODEL_COLUMNS, model_lines(document)
    lines = ([str(value).lower() if isinstance(value, bool) else value for value in line] for line in cell_lines(document))
    return CSV_COLUMNS, lines


def meta_lines(document: Leaderboard) -> Iterator[list[object]]:
    """The lines by `META_COLUMNS`."""
    for entry in document.meta:
        for metric in entry.metrics:
            numbers = [getattr(one, part, None) for one in (metric.inputs, metric.weights) for part in CONSISTENCY_FIELDS]
            found, near = metric.separation, closest_metric(metric)
            shown = (None,) * 6 if found is None else (found.oracle, found.null, found.best, found.wins, found.p_holm, found.separates)
            pair = (None, None) if near is None else (metric.over_explainers[near], metric.over_samples[near])
            yield [entry.dataset, entry.model, metric.label, metric.mc, *numbers, *shown, near, *pair]


def pair_lines(document: Leaderboard) -> Iterator[list[object]]:
    """The lines by `PAIR_COLUMNS`."""
    for entry in document.pairs:
        for metric, versus in entry.cells.items():
            numbers = [getattr(versus, name) for name in PAIR_COLUMNS[PAIR_COLUMNS.index("pairs") :]]
            yield [entry.dataset, entry.model, entry.first, entry.second, metric, entry.samples, *numbers]


def published_lines(document: Leaderboard) -> Iterator[list[object]]:
    """The lines by `PUBLISHED_COLUMNS`."""
    for entry in document.published:
        for row, cells in entry.cells.items():
            for column in entry.columns:
                numbers = [getattr(cells[column.name], name) for name in PUBLISHED_FIELDS]
                yield [entry.title, entry.source, row, column.name, column.measured, column.passes, *numbers]


def model_lines(document: Leaderboard) -> Iterator[list[object]]:
    """The lines by `MODEL_COLUMNS`; of what is undefined the reasons."""
    for entry in document.classification:
        family = {model: one.name for one in entry.families for model in one.models}
        for model in entry.models:
            accuracy, *others = (model.measures.get(name) for name in MEASURES)
            why = "; ".join(f"{name}: {reason}" for name, reason in model.undefined.items())
            start = [entry.dataset, model.model, family.get(model.model), model.seed, model.samples]
            yield [*start, accuracy, model.low, model.high, *others, why or None, str(model.kept).lower()]


def level_lines(document: Leaderboard) -> Iterator[list[object]]:
    """The lines by `LEVEL_COLUMNS`: each level with its difference to the first; the differences of all others are in JSON."""
    summary = LEVEL_COLUMNS[LEVEL_COLUMNS.index("lower_whisker") : LEVEL_COLUMNS.index("minus")]
    for entry in document.levels:
        first = entry.levels[0].name
        for metric, row in [(each, row) for each in entry.metrics for row in each.rows]:
            against = {one.second: one for one in row.comparisons if one.first == first}
            for name, scores in row.scores.items():
                place = [entry.dataset, ",".join(entry.by), name, metric.label, row.explainer, str(row.null).lower()]
                counts = [scores.models, scores.samples, scores.n, scores.mean, scores.low, scores.high, scores.test]
                one = against.get(name)
                versus = [] if one is None else [first, one.difference, one.low, one.high, one.effect, one.test]
                tested = [] if one is None else [one.p, one.p_adjusted, one.pairs, one.verdict]
                line = [*place, *counts, *(getattr(scores, field) for field in summary), *versus, *tested]
                yield [*line, *[None] * (len(LEVEL_COLUMNS) - len(line))]


def cell_lines(document: Leaderboard) -> Iterator[list[object]]:
    """The lines by `CSV_COLUMNS`."""
    for group in document.groups:
        against = next((entry for entry in document.models if entry.dataset == group.dataset and group.model in entry.second), None)
        for row in group.rows:
            for metric in group.metrics:
                if metric.label in row.cells:
                    line = _line(group, row, metric, row.cells[metric.label])
                    yield [*line, *_other_model(against, row, metric)]


def _line(group: GroupEntry, row: Row, metric: MetricEntry, cell: CellEntry) -> list[object]:
    versus, standing = cell.versus_reference, row.standings["category"]
    compared: list[object] = [None] * len(COMPARED_FIELDS) if versus is None else [getattr(versus, name) for name in COMPARED_FIELDS]
    return [
        *(group.dataset, group.model, row.label, row.explainer, row.plugin, row.null),
        *(standing.place, *(standing.places or (None, None))),
        *(standing.skill.value, standing.skill.low, standing.skill.high, standing.alike or None, row.first_share, standing.rank),
        *(metric.label, metric.name, metric.category, metric.direction),
        *(cell.status, cell.mean, cell.low, cell.high, cell.interval),
        *(cell.n, cell.undefined, cell.missing),
        *(cell.skill.value, cell.skill.low, cell.skill.high, cell.to_oracle, metric.weights.get("category"), cell.rank),
        *(cell.beats_null, cell.null, cell.p_null, cell.p_null_adjusted),
        *compared,
        *(row.costs.seconds_per_sample, row.costs.passes_per_sample, row.costs.peak_memory, cell.reason),
    ]


def _other_model(against: ModelsEntry | None, row: Row, metric: MetricEntry) -> list[object]:
    """How the cell differs from the same explainer's on the first model of the dataset."""
    versus = None if against is None else against.cells.get(row.label, {}).get(metric.label)
    if against is None or versus is None:
        return [None] * 8
    numbers = (versus.difference, versus.low, versus.high, versus.effect, versus.p_wilcoxon, versus.p_wilcoxon_adjusted)
    return ["+".join(against.first), *numbers, versus.verdict]
