"""Sections of levels of what was swept: how scores are spread at each, and how far each is from the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import mean

from harness.leaderboard.number_format import MISSING, half_width, number_formatter, percent_text, printable
from harness.leaderboard.sections.sample_counts import sample_count_text
from harness.leaderboard.sections.section import UNDEFINED, Column, LegendItem, Section, Table, TableCell
from harness.leaderboard.sections.verdicts import VERDICT_MARKS, explain_test, explain_verdicts
from harness.results.document import Leaderboard
from harness.results.levels_document import LevelComparison, LevelScores, LevelsEntry, LevelsMetric, LevelsRow
from harness.text_format import ARROWS

TESTS = {"samples": "Wilcoxon signed-rank", "models": "t over seeds and samples"}


def levels_section(document: Leaderboard, entry: LevelsEntry, number: int) -> Section:
    """The models of each level, then a table for each metric: a line per explainer and level."""
    title = f"{printable(entry.dataset) if entry.dataset else 'across data sets'}: by {', '.join(map(printable, entry.by))}"
    facts = list(_facts(document, entry))
    tables = [_levels_table(entry, title, facts)] if _has_models_of_its_own(entry) else []
    tables += [_metric_table(entry, metric, k, title, facts) for k, metric in enumerate(entry.metrics, start=1)]
    return Section(
        title,
        f"levels-{number}",
        facts,
        notes=list(_notes(entry)),
        cause=None if entry.metrics else "no metric has scores",
        tables=tables if entry.metrics else [],
        legend=partial(_legend, document, entry),
    )


def _has_models_of_its_own(entry: LevelsEntry) -> bool:
    return any(level.models != entry.levels[0].models for level in entry.levels)


def _facts(document: Leaderboard, entry: LevelsEntry) -> Iterator[str]:
    models = len({(model.dataset, model.model) for level in entry.levels for model in level.models})
    counted = sample_count_text(entry.samples, "all", entry.samples_total)
    if document.settings.samples != "all":
        counted += f" ({'classified correctly by the model' if models == 1 else f'those that all {models} models classify correctly'})"
    yield counted
    if entry.equal_accuracy is not None:
        yield f"of each level the models whose accuracy is the nearest to {percent_text(entry.equal_accuracy)}"
    yield f"{100 * document.settings.confidence:g} % intervals"
    tests = {comparison.test for comparison in _comparisons(entry)}
    several = any(len(level.models) > 1 for level in entry.levels)
    means = {each.test for metric in entry.metrics for row in metric.rows for each in row.scores.values() if each.models > 1}
    if "models" in tests | means:
        what = "intervals and tests" if "models" in tests else "intervals of means"
        where = "" if tests | means == {"models"} else " where there are seeds enough"
        yield f"{what} take training seeds and samples as drawn by chance{where}"
    if "samples" in tests | means and several:
        what = "intervals of differences, and tests," if tests == {"samples"} and "models" in means else "intervals and tests"
        elsewhere = " elsewhere" if "models" in tests else ""
        yield f"models of a level are averaged sample by sample: {what} hold for these models{elsewhere}"
    if not tests:
        yield "levels have no samples in common: they are not tested"
    elif tests == {"samples"} and 0.5 ** (entry.samples - 1) >= 1 - document.settings.confidence:
        yield "too few samples for any test to find anything"


def _notes(entry: LevelsEntry) -> Iterator[str]:
    """The models that were chosen by their accuracy, and what takes no part."""
    for level in entry.levels if entry.equal_accuracy is not None else ():
        models = (f"{printable(model.model)} ({percent_text(model.accuracy)})" for model in level.models)
        yield f"{printable(level.name)}: {', '.join(models)}"
    yield from (f"left out: {printable(text)}" for text in entry.left_out)


def _comparisons(entry: LevelsEntry) -> list[LevelComparison]:
    return [comparison for metric in entry.metrics for row in metric.rows for comparison in row.comparisons]


def _levels_table(entry: LevelsEntry, title: str, facts: Sequence[str]) -> Table:
    """How many models each level has, and how accurate they are."""
    known = [[model.accuracy for model in level.models if model.accuracy is not None] for level in entry.levels]

    columns = [_level_column(entry, [level.name for level in entry.levels])]
    columns.append(Column("models", [TableCell(str(len(level.models))) for level in entry.levels]))
    several = any(len(own) > 1 for own in known)
    columns.append(_accuracy_column("mean accuracy" if several else "accuracy", known, mean))
    if several:
        columns += [_accuracy_column("least accuracy", known, min), _accuracy_column("greatest accuracy", known, max)]
    caption = f"{title}, models. {'; '.join(facts)}"
    return Table(columns, [False] * len(entry.levels), "Levels", "models", caption, bold="", needs_title=True)


def _accuracy_column(header: str, known: Sequence[list[float]], choose: Callable[[list[float]], float]) -> Column:
    return Column(header, [TableCell(percent_text(choose(own)) if own else MISSING) for own in known])


def _level_column(entry: LevelsEntry, names: Sequence[str]) -> Column:
    return Column(", ".join(map(printable, entry.by)), [TableCell(printable(name)) for name in names], align="left")


def _metric_table(entry: LevelsEntry, metric: LevelsMetric, number: int, title: str, facts: Sequence[str]) -> Table:
    lines = [(row, name, row.scores[name]) for row in metric.rows for name in row.scores]
    scores = [each for *_, each in lines]
    numbers = number_formatter([each.mean for each in scores], [half_width(each.low, each.high) for each in scores])
    first = entry.levels[0].name
    columns = [
        Column("explainer", [TableCell(printable(row.explainer)) for row, *_ in lines], align="left"),
        _level_column(entry, [name for _, name, _ in lines]),
        Column("n", [TableCell(f"{each.n:,}") for each in scores], key=metric.label),
        Column("median", [TableCell(numbers(each.median)) for each in scores]),
        Column("quartiles", [TableCell(f"{numbers(each.lower_quartile)}–{numbers(each.upper_quartile)}") for each in scores]),
        Column("mean", [TableCell(numbers(each.mean), _half_text(each.low, each.high, numbers)) for each in scores], align="left"),
    ]
    if any(row.comparisons for row in metric.rows):
        columns.append(Column(f"minus {printable(first)}", _difference_cells(entry, lines, first), align="left", key=metric.label))
    if any(each.alike for each in scores):
        columns.append(Column("alike", [TableCell(each.alike or MISSING) for each in scores], align="left", key=metric.label))
    shown = f"{printable(metric.label)} {ARROWS[metric.direction]}"
    nulls = [row.null for row, *_ in lines]
    caption = f"{title}: {shown}. {'; '.join(facts)}"
    return Table(columns, nulls, shown, str(number), caption, bold="", needs_title=True, names=2, boxes=scores)


def _half_text(low: float | None, high: float | None, numbers: Callable[[float | None], str]) -> str:
    half = half_width(low, high)
    return MISSING if half is None else f"±{numbers(half)}"


def _difference_cells(entry: LevelsEntry, lines: Sequence[tuple[LevelsRow, str, LevelScores]], first: str) -> list[TableCell]:
    found = [next((one for one in row.comparisons if (one.first, one.second) == (first, name)), None) for row, name, _ in lines]
    known = [one for one in found if one is not None and one.difference is not None]
    halves = [half_width(one.low, one.high) for one in known]
    numbers = number_formatter(halves if any(halves) else [one.difference for one in known])

    def shown(one: LevelComparison | None, name: str) -> TableCell:
        if one is None or one.difference is None:
            return TableCell(MISSING, tone="absent" if name == first else "")
        marks = VERDICT_MARKS[one.verdict] + (UNDEFINED if one.pairs < entry.samples else "")
        return TableCell(
            f"{'+' if one.difference > 0 else ''}{numbers(one.difference)}", _half_text(one.low, one.high, numbers), marks=marks
        )

    return [shown(one, name) for one, (_, name, _) in zip(found, lines, strict=True)]


def _legend(document: Leaderboard, entry: LevelsEntry, tables: Sequence[Table]) -> Iterator[LegendItem]:
    headers = {column.header for table in tables for column in table.columns}
    if any(null for table in tables for null in table.nulls):
        yield LegendItem("null", "null explainers", "style")
    if "n" in headers:
        yield LegendItem("n", "scores: those of all models of the level on all samples, of which median and quartiles are", "term")
    shown = {column.key for table in tables for column in table.columns if column.key}
    metrics = [metric for metric in entry.metrics if metric.label in shown]
    if any(metric.skill for metric in metrics):
        said = "sample by sample, by the same weights of metrics at every level: the mean of those of the boards of its models"
        yield LegendItem("skill", said, "term")
    comparisons = [one for metric in metrics for row in metric.rows for one in row.comparisons]
    if not comparisons:
        return
    tests = [text for name, text in TESTS.items() if any(one.test == name for one in comparisons)]
    test = explain_test(document.settings, "all differences between these levels", "the differences under a metric", " or ".join(tests))
    if "alike" in headers:
        yield LegendItem("alike", f"levels of an explainer that share a letter are not told apart ({test})", "term")
    first = printable(entry.levels[0].name)
    if not any(header.startswith("minus ") for header in headers):
        return
    against = [one for one in comparisons if one.first == entry.levels[0].name]
    words = (f"better than at {first}", f"worse than at {first}", f"neither better nor worse than at {first}")
    yield from explain_verdicts((one.verdict for one in against), *words, test)
    if any(one.pairs < entry.samples for one in against):
        yield LegendItem(UNDEFINED, "over fewer samples, those that have both scores")
