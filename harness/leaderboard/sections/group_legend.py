"""The legend of a group's tables: how intervals were made, which rows cannot be told apart, and what the marks mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.leaderboard.number_format import MISSING, printable
from harness.leaderboard.sections.footnotes import Footnotes
from harness.leaderboard.sections.headline_legend import explain_headline
from harness.leaderboard.sections.section import BEST, NOT_COUNTED, NULL, UNDEFINED, LegendItem, Table
from harness.leaderboard.sections.verdicts import VERDICT_MARKS, explain_test, explain_verdicts
from harness.results.data_model import Weighting
from harness.results.document import GroupEntry, Leaderboard, MetricEntry


def group_legend(
    document: Leaderboard, group: GroupEntry, weighting: Weighting, notes: Footnotes, tables: Sequence[Table]
) -> Iterator[LegendItem]:
    """Explanations of the marks and notes that the tables have, and the intervals of the metrics that they show."""
    columns = [column for table in tables for column in table.columns]
    cells = [cell for column in columns for cell in column.cells]
    marks = "".join(cell.marks for cell in cells)
    keys = {column.key for column in columns}
    metrics = [metric for metric in group.metrics if metric.label in keys]
    if metrics:
        yield LegendItem("±", _explain_intervals(group, metrics), "term")
    gaps = ", ".join(printable(metric.label) for metric in metrics if metric.inverted)
    if gaps:
        yield LegendItem("QGE", f"{gaps}: the score minus that of the inverted map, whose most relevant pixel is the map's least", "term")
    if any(null for table in tables for null in table.nulls):
        yield LegendItem("null", "null explainers", "style")
    yield from explain_headline(group, document.settings, {column.header for column in columns if column.key is None})
    if BEST in marks:
        yield LegendItem("best", "best of the metric", "style")
    test = explain_test(document.settings, "all marks of this data set and model")
    reference = printable(document.settings.reference or "")
    verdicts = [verdict for verdict, mark in VERDICT_MARKS.items() if mark and mark in marks]
    words = (f"better than {reference}", f"worse than {reference}", f"neither better nor worse than {reference}")
    yield from explain_verdicts(verdicts, *words, test)
    meanings = {
        NULL: f"not shown to beat every null, by its mean and by a test against each (one-sided {test})",
        UNDEFINED: "undefined for some samples, which means and tests leave out; skill and ranks take the null's for them: "
        + _list_undefined_cells(group, metrics),
    }
    yield from (LegendItem(mark, meaning) for mark, meaning in meanings.items() if mark in marks)
    unused = [f"{printable(metric.label)} ({printable(metric.discounted)})" for metric in metrics if metric.discounted]
    if unused:
        yield LegendItem(NOT_COUNTED, f"takes no part in the headline: {'; '.join(unused)}")
    for number in sorted({number for cell in cells for number in cell.notes}):
        yield LegendItem(f"†{number}", notes.texts[number - 1], "note")


def _explain_intervals(group: GroupEntry, metrics: Sequence[MetricEntry]) -> str:
    """What ± stands for, and how the intervals of the metrics were made."""
    cells = [(metric, cell) for metric in metrics for row in group.rows if (cell := row.cells.get(metric.label)) is not None]
    used = {cell.interval for _, cell in cells if cell.mean is not None}
    proportions = dict.fromkeys(printable(metric.label) for metric, cell in cells if cell.interval == "wilson")
    kinds = {
        "wilson": f"Wilson's for scores of 0 or 1 ({', '.join(proportions)})",
        "student": f"{'else ' if proportions else ''}Student's t, widened where scores are skewed",
    }
    said = "; ".join(text for kind, text in kinds.items() if kind in used)
    none = f"; {MISSING}: no interval: one sample, or all scores equal" if None in used else ""
    ends = ", which need not be symmetric: CSV and JSON have its ends" if said else ""
    return f"half the width of a mean's interval{f' ({said})' if said else ''}{ends}{none}"


def _list_undefined_cells(group: GroupEntry, metrics: Sequence[MetricEntry]) -> str:
    """How many samples have no score: of a metric once, where it is as many in all rows, else of each row that has any."""
    found = []
    for metric in metrics:
        cells = [(row.label, cell) for row in group.rows if (cell := row.cells.get(metric.label)) is not None and cell.mean is not None]
        shares = [(f"{label} ", cell.undefined, cell.undefined + cell.n) for label, cell in cells]
        if len(cells) > 1 and len({share[1:] for share in shares}) == 1:
            shares = [("", *shares[0][1:])]
        found += [printable(f"{row}{metric.label} ({undefined} of {count})") for row, undefined, count in shares if undefined]
    return ", ".join(found)
