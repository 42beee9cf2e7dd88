"""Section of how well the models of a data set classify: each, over training seeds, and one against another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

from harness.leaderboard.number_format import MISSING, half_width, interval_text, printable, probability_text
from harness.leaderboard.sections.section import BETTER, UNDEFINED, WORSE, Column, LegendItem, Section, Table, TableCell
from harness.results.classification_document import (
    MEASURES,
    ClassificationEntry,
    ClassifierComparison,
    ClassifierEntry,
    Measure,
    SeedTest,
    Spread,
)
from harness.results.document import Leaderboard
from harness.text_format import format_count, format_some

HEADERS: dict[Measure, str] = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "macro F1",
    "auc": "AUC",
}
TESTED: tuple[Measure, ...] = ("accuracy", "f1", "auc")


def classification_section(document: Leaderboard, entry: ClassificationEntry, number: int) -> Section:
    """The means over seeds where there are any, every model, and the tests between them."""
    replicated = any(len(family.models) > 1 for family in entry.families)
    tables = [_seeds_table(entry)] if replicated else []
    tables.append(_models_table(document, entry))
    tables += [_tests_table(document, entry)] if entry.comparisons else []
    title = f"{printable(entry.dataset)}: classification by {format_count(len(entry.models), 'model')}"
    facts = ["all samples that the run predicts", "all but the accuracy are means over classes; AUC: of a class against all others"]
    return Section(title, f"classification-{number}", facts, tables=tables, legend=partial(_legend, document, entry))


def _seeds_table(entry: ClassificationEntry) -> Table:
    columns = [
        Column("model", [TableCell(printable(family.name)) for family in entry.families], align="left"),
        Column("seeds", [TableCell(str(len(family.models))) for family in entry.families]),
        *(_measure_column(name, [_spread_cell(family.measures[name]) for family in entry.families], "left") for name in MEASURES),
    ]
    caption = f"{printable(entry.dataset)}: classification, mean ± standard deviation over training seeds"
    return Table(columns, [False] * len(entry.families), "Over training seeds", "seeds", caption, bold="")


def _measure_column(name: Measure, cells: Sequence[TableCell], align: Literal["left", "right"]) -> Column:
    return Column(HEADERS[name].removesuffix(" accuracy"), cells, align=align, alone=HEADERS[name])


def _spread_cell(spread: Spread) -> TableCell:
    if spread.mean is None:
        return TableCell(MISSING)
    return TableCell(_share(spread.mean), "" if spread.deviation is None else f"±{_share(spread.deviation)}")


def _models_table(document: Leaderboard, entry: ClassificationEntry) -> Table:
    models = entry.models
    names = Column("model", [TableCell(printable(model.model)) for model in models], align="left")
    counts = Column("n", [TableCell(f"{model.samples:,}") for model in models])
    measures = [_measure_column(name, [_measure_cell(model, name) for model in models], "right") for name in MEASURES]
    intervals = Column("interval", [TableCell(interval_text(model.low, model.high)) for model in models])
    caption = f"{printable(entry.dataset)}: classification, with {100 * document.settings.confidence:g} % intervals of the accuracy"
    columns = [names, counts, measures[0], intervals, *measures[1:]]
    if not all(model.kept for model in models):
        columns.insert(1, Column("explained", [TableCell("yes" if model.kept else "no") for model in models], align="left"))
    return Table(columns, [False] * len(models), "Each model", "models", caption, bold="")


def _measure_cell(model: ClassifierEntry, name: Measure) -> TableCell:
    value = model.measures.get(name)
    return TableCell(MISSING, marks=UNDEFINED if name in model.undefined else "") if value is None else TableCell(_share(value))


def _tests_table(document: Leaderboard, entry: ClassificationEntry) -> Table:
    level, comparisons = 1 - document.settings.confidence, entry.comparisons
    names = [TableCell(f"{printable(each.second)} minus {printable(each.first)}") for each in comparisons]
    columns = [Column("models", names, align="left")]
    replicated = any(each.over_seeds for each in comparisons)
    if replicated:
        for name in TESTED:
            tests = [each.over_seeds.get(name) for each in comparisons]
            columns.append(Column(HEADERS[name], [_difference_cell(test, level) for test in tests], align="left", section="over seeds"))
            columns.append(
                Column(
                    "p", [TableCell(probability_text(None if test is None else test.p_adjusted)) for test in tests], section="over seeds"
                )
            )
    for header, cells in (("only one is right", _discordant), ("p", _mcnemar_p)):
        section = "McNemar" if replicated else None
        columns.append(Column(header, [TableCell(cells(each, level)) for each in comparisons], section=section))
    caption = f"{printable(entry.dataset)}: tests between models"
    return Table(columns, [False] * len(comparisons), "One against another", "tests", caption, bold="")


def _difference_cell(test: SeedTest | None, level: float) -> TableCell:
    if test is None or test.difference is None:
        return TableCell(MISSING)
    half = half_width(test.low, test.high)
    found = test.p_adjusted is not None and test.p_adjusted < level
    marks = (BETTER if test.difference > 0 else WORSE) if found else ""
    return TableCell(f"{test.difference:+.3f}", MISSING if half is None else f"±{_share(half)}", marks=marks)


def _discordant(each: ClassifierComparison, level: float) -> str:
    """``12 : 3`` samples, the second model's first; of several pairs how many of them there are."""
    if len(each.mcnemar) != 1:
        return format_count(len(each.mcnemar), "pair") if each.mcnemar else MISSING
    return f"{each.mcnemar[0].only_second:,} : {each.mcnemar[0].only_first:,}"


def _mcnemar_p(each: ClassifierComparison, level: float) -> str:
    """The p-value; of several pairs how many of them differ."""
    found = [test.p_adjusted for test in each.mcnemar]
    if len(found) == 1:
        return probability_text(found[0])
    return f"{sum(p is not None and p < level for p in found)} of {len(found)} differ" if found else MISSING


def _share(value: float) -> str:
    return f"{value:.3f}"


def _legend(document: Leaderboard, entry: ClassificationEntry, tables: Sequence[Table]) -> Iterator[LegendItem]:
    slugs, settings = {table.slug for table in tables}, document.settings
    shown = {mark for table in tables for column in table.columns for cell in column.cells for mark in cell.marks}
    if "models" in slugs:
        yield LegendItem("interval", f"Wilson's, {100 * settings.confidence:g} %, of the accuracy", "term")
    if "seeds" in slugs:
        yield LegendItem("±", "of models: standard deviation over seeds; of differences: half the width of an interval", "term")
    if not all(model.kept for model in entry.models):
        yield LegendItem("explained", "no: others of its kind were better, and only these are explained", "term")
    if UNDEFINED in shown:
        yield LegendItem(UNDEFINED, f"undefined: {'; '.join(_undefined(entry.models))}")
    if "tests" not in slugs:
        return
    if any(each.over_seeds for each in entry.comparisons):
        family = {"fdr": "false discovery rate over these tests", "holm": "Holm over the pairs of a measure"}[settings.correction]
        yield LegendItem("p", f"over seeds: paired t-test of models of the same seed, {family}", "term")
        level = f"p < {1 - settings.confidence:.2g}"
        yield from (LegendItem(mark, f"{word} ({level})") for mark, word in ((BETTER, "better"), (WORSE, "worse")) if mark in shown)
    if any(len(each.mcnemar) == 1 for each in entry.comparisons):
        yield LegendItem("only one is right", "samples that the model named first alone classifies correctly : that the other does", "term")
    correction = {"fdr": "false discovery rate", "holm": "Holm"}[settings.correction]
    mark = "McNemar" if any(each.over_seeds for each in entry.comparisons) else "p"
    yield LegendItem(mark, f"McNemar's exact test of each two models, {correction} over all of them", "term")


def _undefined(models: Sequence[ClassifierEntry]) -> Iterator[str]:
    """Each reason once, with what it is the reason of."""
    found: dict[tuple[Measure, str], list[str]] = {}
    for model in models:
        for name, why in model.undefined.items():
            found.setdefault((name, why), []).append(printable(model.model))
    yield from (f"{HEADERS[name]} of {format_some(names, 3)}: {printable(why)}" for (name, why), names in found.items())


def shown_classification(document: Leaderboard) -> list[ClassificationEntry]:
    """The entries that say more than the groups do: of several models, or of such as differ in what was swept."""
    return [entry for entry in document.classification if len(entry.models) > 1 or any(model.factors for model in entry.models)]
