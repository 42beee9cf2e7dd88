"""The tables of a group as plain cells, for formats that lay out tables themselves (Markdown, LaTeX)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard, MetricEntry, OverallEntry, Row
from harness.leaderboard.formats.figures import (
    MISSING,
    bytes_text,
    count_text,
    formatter,
    interval_text,
    printable,
    rank_text,
    seconds_text,
)
from harness.leaderboard.formats.remarks import (
    Remarks,
    alike,
    categories,
    half_text,
    is_best,
    is_missing,
    marks,
    ranked_categories,
    ranked_rows,
    state_text,
)

COSTS = ("time", "passes", "peak memory")


@dataclass(frozen=True)
class Entry:
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
    rows: list[list[Entry]]
    nulls: list[bool]


def overview(group: GroupEntry, weighting: Weighting, notes: Remarks) -> PlainTable:
    """Ranks, nulls beaten and costs of every row."""
    rows = ranked_rows(group, weighting)
    kinds = ranked_categories(group) if weighting == "category" else []
    letters = alike(group, weighting)
    headers = [
        "explainer",
        "rank",
        "interval",
        *(["alike"] if letters else []),
        *(printable(kind) for kind in kinds),
        "beats null",
        *COSTS,
    ]
    best = {kind: min((mean for row in rows if (mean := _category_mean(row, kind)) is not None), default=None) for kind in kinds}
    body = []
    for row in rows:
        rank = row.ranks[weighting]
        by_category = [_category_mean(row, kind) for kind in kinds]
        body.append(
            [
                _name(row, notes),
                Entry(rank_text(rank.mean)),
                Entry(interval_text(rank.low, rank.high)),
                *([Entry(letters[row.label] or MISSING)] if letters else []),
                *(
                    Entry(MISSING if mean is None else f"{mean:.1f}", best=mean is not None and mean == best[kind])
                    for kind, mean in zip(kinds, by_category, strict=True)
                ),
                Entry(f"{row.beats_null}/{row.against_null}" if row.against_null else MISSING),
                Entry(seconds_text(row.costs.seconds_per_sample)),
                Entry(count_text(row.costs.passes_per_sample)),
                Entry(bytes_text(row.costs.peak_memory)),
            ]
        )
    return _with_known_costs(PlainTable("Mean rank", headers, body, [row.null for row in rows]))


def _with_known_costs(table: PlainTable) -> PlainTable:
    """The table without costs that no row has, such as the peak memory of explainers that ran on a CPU."""
    known = [name not in COSTS or any(row[place].text != MISSING for row in table.rows) for place, name in enumerate(table.headers)]
    rows = [[entry for entry, kept in zip(row, known, strict=True) if kept] for row in table.rows]
    return replace(table, headers=[name for name, kept in zip(table.headers, known, strict=True) if kept], rows=rows)


def metric_tables(group: GroupEntry, weighting: Weighting, notes: Remarks) -> list[PlainTable]:
    """The scores: one table per category, or one of all metrics."""
    if weighting == "metric":
        return [_scores("Scores", group, group.metrics, weighting, notes)]
    return [
        _scores(printable(kind).capitalize(), group, [metric for metric in group.metrics if metric.category == kind], weighting, notes)
        for kind in categories(group)
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
            Entry(printable(entry.label)),
            Entry(rank_text(entry.ranks[weighting].mean)),
            Entry(interval_text(entry.ranks[weighting].low, entry.ranks[weighting].high)),
            Entry(rank_text(entry.spread.get(weighting))),
            *(Entry(rank_text(found.get(entry.label))) for found in ranks),
        ]
        for entry in entries
    ]
    return PlainTable("Overall", ["explainer", "rank", "interval", "spread", *names], body, [entry.null for entry in entries])


def _category_mean(row: Row, kind: str) -> float | None:
    found = row.categories.get(kind)
    return None if found is None else found.mean


def _name(row: Row, notes: Remarks) -> Entry:
    return Entry(printable(row.label), notes=tuple(notes.rows.get(row.label, ())))


def _scores(title: str, group: GroupEntry, metrics: list[MetricEntry], weighting: Weighting, notes: Remarks) -> PlainTable:
    rows = ranked_rows(group, weighting)
    columns = [_column(group, rows, metric, notes) for metric in metrics]
    headers = ["explainer", *(f"{printable(metric.label)} {'↑' if metric.direction == 'higher' else '↓'}" for metric in metrics)]
    body = [[_name(row, notes), *(column[k] for column in columns)] for k, row in enumerate(rows)]
    return PlainTable(title, headers, body, [row.null for row in rows])


def _column(group: GroupEntry, rows: list[Row], metric: MetricEntry, notes: Remarks) -> list[Entry]:
    cells = [row.cells.get(metric.label) for row in rows]
    numbers = formatter(cell.mean for cell in cells if cell is not None)
    entries = []
    for row, cell in zip(rows, cells, strict=True):
        number = notes.cells.get((row.label, metric.label))
        noted = () if number is None else (number,)
        if cell is None or is_missing(cell):
            entries.append(Entry(state_text(cell), notes=noted))
            continue
        text = f"{numbers(cell.mean)} {half_text(cell, numbers).replace('±', '± ')}"
        entries.append(Entry(text, is_best(group, metric, cell), marks(group, metric, cell).replace("*", ""), noted))
    return entries
