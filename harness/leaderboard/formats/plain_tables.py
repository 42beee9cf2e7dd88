"""The tables of a group as plain cells, for formats that lay out tables themselves (Markdown, LaTeX)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard, MetricEntry, OverallEntry, Row
from harness.leaderboard.formats.annotations import (
    Footnotes,
    cell_marks,
    cell_state_text,
    half_width_text,
    is_best,
    is_missing,
    metric_categories,
    nemenyi_letters,
    ranked_categories,
    ranked_rows,
)
from harness.leaderboard.formats.number_format import (
    MISSING,
    bytes_text,
    count_text,
    interval_text,
    number_formatter,
    printable,
    rank_text,
    seconds_text,
)

COST_COLUMNS = ("time", "passes", "peak memory")


@dataclass(frozen=True)
class TableCell:
    """One cell of a table.

    Attributes:
        text: what it says.
        best: it is the best of its column.
        marks: one character each (see `remarks`), without the one for the best.
        notes: numbers of footnotes.
    """

    text: str
    best: bool = False
    marks: str = ""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlainTable:
    """A table: its title, the headers of its columns (the first names the rows), its rows, and which of them are nulls."""

    title: str
    headers: list[str]
    rows: list[list[TableCell]]
    nulls: list[bool]


def overview_table(group: GroupEntry, weighting: Weighting, notes: Footnotes) -> PlainTable:
    """Ranks, nulls beaten and costs of every row."""
    rows = ranked_rows(group, weighting)
    kinds = ranked_categories(group) if weighting == "category" else []
    letters = nemenyi_letters(group, weighting)
    headers = [
        "explainer",
        "rank",
        "interval",
        *(["alike"] if letters else []),
        *(printable(kind) for kind in kinds),
        "beats null",
        *COST_COLUMNS,
    ]
    best = {kind: min((mean for row in rows if (mean := _category_mean(row, kind)) is not None), default=None) for kind in kinds}
    body = []
    for row in rows:
        rank = row.ranks[weighting]
        by_category = [_category_mean(row, kind) for kind in kinds]
        body.append(
            [
                _explainer_cell(row, notes),
                TableCell(rank_text(rank.mean)),
                TableCell(interval_text(rank.low, rank.high)),
                *([TableCell(letters[row.label] or MISSING)] if letters else []),
                *(
                    TableCell(MISSING if mean is None else f"{mean:.1f}", best=mean is not None and mean == best[kind])
                    for kind, mean in zip(kinds, by_category, strict=True)
                ),
                TableCell(f"{row.beats_null}/{row.against_null}" if row.against_null else MISSING),
                TableCell(seconds_text(row.costs.seconds_per_sample)),
                TableCell(count_text(row.costs.passes_per_sample)),
                TableCell(bytes_text(row.costs.peak_memory)),
            ]
        )
    return _with_known_costs(PlainTable("Mean rank", headers, body, [row.null for row in rows]))


def _with_known_costs(table: PlainTable) -> PlainTable:
    """The table without costs that no row has, such as the peak memory of explainers that ran on a CPU."""
    known = [name not in COST_COLUMNS or any(row[place].text != MISSING for row in table.rows) for place, name in enumerate(table.headers)]
    rows = [[entry for entry, kept in zip(row, known, strict=True) if kept] for row in table.rows]
    return replace(table, headers=[name for name, kept in zip(table.headers, known, strict=True) if kept], rows=rows)


def metric_tables(group: GroupEntry, weighting: Weighting, notes: Footnotes) -> list[PlainTable]:
    """The scores: one table per category, or one of all metrics."""
    if weighting == "metric":
        return [_score_table("Scores", group, group.metrics, weighting, notes)]
    return [
        _score_table(printable(kind).capitalize(), group, [metric for metric in group.metrics if metric.category == kind], weighting, notes)
        for kind in metric_categories(group)
    ]


def overall_table(document: Leaderboard, weighting: Weighting) -> PlainTable:
    """The ranks across groups."""

    def key(entry: OverallEntry) -> tuple[bool, float]:
        mean = entry.ranks[weighting].mean
        return mean is None, mean or 0.0

    entries = sorted(document.overall, key=key)
    names = [f"{printable(group.dataset)} · {printable(group.model)}" for group in document.groups]
    ranks = [{row.label: row.ranks[weighting].mean for row in group.rows} for group in document.groups]
    body = [
        [
            TableCell(printable(entry.label)),
            TableCell(rank_text(entry.ranks[weighting].mean)),
            TableCell(interval_text(entry.ranks[weighting].low, entry.ranks[weighting].high)),
            TableCell(rank_text(entry.spread.get(weighting))),
            *(TableCell(rank_text(found.get(entry.label))) for found in ranks),
        ]
        for entry in entries
    ]
    return PlainTable("Overall", ["explainer", "rank", "interval", "spread", *names], body, [entry.null for entry in entries])


def _category_mean(row: Row, kind: str) -> float | None:
    found = row.categories.get(kind)
    return None if found is None else found.mean


def _explainer_cell(row: Row, notes: Footnotes) -> TableCell:
    return TableCell(printable(row.label), notes=tuple(notes.rows.get(row.label, ())))


def _score_table(title: str, group: GroupEntry, metrics: list[MetricEntry], weighting: Weighting, notes: Footnotes) -> PlainTable:
    rows = ranked_rows(group, weighting)
    columns = [_metric_column(group, rows, metric, notes) for metric in metrics]
    headers = ["explainer", *(f"{printable(metric.label)} {'↑' if metric.direction == 'higher' else '↓'}" for metric in metrics)]
    body = [[_explainer_cell(row, notes), *(column[k] for column in columns)] for k, row in enumerate(rows)]
    return PlainTable(title, headers, body, [row.null for row in rows])


def _metric_column(group: GroupEntry, rows: list[Row], metric: MetricEntry, notes: Footnotes) -> list[TableCell]:
    cells = [row.cells.get(metric.label) for row in rows]
    numbers = number_formatter(cell.mean for cell in cells if cell is not None)
    entries = []
    for row, cell in zip(rows, cells, strict=True):
        number = notes.cells.get((row.label, metric.label))
        noted = () if number is None else (number,)
        if cell is None or is_missing(cell):
            entries.append(TableCell(cell_state_text(cell), notes=noted))
            continue
        text = f"{numbers(cell.mean)} {half_width_text(cell, numbers).replace('±', '± ')}"
        entries.append(TableCell(text, is_best(group, metric, cell), cell_marks(group, metric, cell).replace("*", ""), noted))
    return entries
