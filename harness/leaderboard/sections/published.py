"""Sections of a run's numbers beside published ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from harness.leaderboard.number_format import MISSING, half_width, number_formatter, printable, seconds_text
from harness.leaderboard.sections.section import Column, LegendItem, Section, Table, TableCell
from harness.results.document import Leaderboard
from harness.results.published_document import PublishedCell, PublishedColumnEntry, PublishedEntry
from harness.text_format import format_count

Numbers = Callable[[float | None], str]


def published_section(document: Leaderboard, entry: PublishedEntry, number: int) -> Section:
    """Every column twice: this run's, and what was published."""
    names = list(entry.cells)
    columns = [Column(entry.kind[:-1], [TableCell(printable(name)) for name in names], align="left")]
    for column in entry.columns:
        cells = [entry.cells[name][column.name] for name in names]
        numbers = _numbers(column, cells)
        heading = printable(column.name)
        columns.append(Column(heading, [_ours(cell, numbers) for cell in cells], align="left"))
        columns.append(Column(f"{heading}, published", [_theirs(cell, numbers) for cell in cells], align="left"))
    facts = [f"published: {printable(entry.source)}", *([printable(entry.about)] if entry.about else []), *_agreement(entry)]
    title = f"{printable(entry.title)}: ours beside the published"
    table = Table(columns, [False] * len(names), caption=f"{title}. {'; '.join(facts)}", bold="")
    return Section(title, f"published-{number}", facts, tables=[table], legend=partial(_legend, document, entry))


def _numbers(column: PublishedColumnEntry, cells: Sequence[PublishedCell]) -> Numbers:
    if column.measured == "seconds":
        return seconds_text
    halves = [half for cell in cells for half in (_half(cell), cell.published_deviation)]
    return number_formatter([value for cell in cells for value in (cell.ours, cell.published)], halves)


def _half(cell: PublishedCell) -> float | None:
    return cell.deviation if cell.means > 1 else half_width(cell.low, cell.high)


def _ours(cell: PublishedCell, numbers: Numbers) -> TableCell:
    if cell.ours is None:
        return TableCell(MISSING)
    half = _half(cell)
    said = f"{cell.verdict} {numbers(cell.ours)}" if cell.verdict else numbers(cell.ours)
    return TableCell(said, "" if half is None else f"±{numbers(half)}")


def _theirs(cell: PublishedCell, numbers: Numbers) -> TableCell:
    if cell.published is None:
        return TableCell(printable(cell.published_words) if cell.published_words else MISSING)
    half = cell.published_deviation
    return TableCell(numbers(cell.published), "" if half is None else f"±{numbers(half)}")


def _agreement(entry: PublishedEntry) -> Iterator[str]:
    judged, agreeing = sum(column.judged for column in entry.columns), sum(column.agreeing for column in entry.columns)
    if judged:
        yield f"{agreeing} of {format_count(judged, 'verdict')} as published"


def _legend(document: Leaderboard, entry: PublishedEntry, tables: Sequence[Table]) -> Iterator[LegendItem]:
    for column in entry.columns:
        if said := "; ".join(_explain_column(column)):
            yield LegendItem(printable(column.name), said, "term")
    cells = [cell for row in entry.cells.values() for cell in row.values()]
    if any(cell.verdict == "open" for cell in cells):
        yield LegendItem("open", "the interval of our mean holds the threshold", "term")
    if halves := list(_explain_halves(document, cells)):
        yield LegendItem("±", "; ".join(halves), "term")


def _explain_column(column: PublishedColumnEntry) -> Iterator[str]:
    if column.measured != column.name:
        yield printable(column.measured)
    if column.passes:
        yield f"passes if {column.passes}"
    if column.judged:
        yield f"{column.agreeing} of {format_count(column.judged, 'verdict')} as published"
    if column.rank_correlation is not None:
        yield f"rank correlation with the published {column.rank_correlation:+.2f} over {format_count(column.numbers, 'row')}"


def _explain_halves(document: Leaderboard, cells: Sequence[PublishedCell]) -> Iterator[str]:
    ours = []
    if any(cell.means == 1 and cell.low is not None for cell in cells):
        ours.append(f"half the width of a {100 * document.settings.confidence:g} % interval")
    if several := sorted({cell.means for cell in cells if cell.means > 1}):
        ours.append(f"the standard deviation of {' or '.join(map(str, several))} means")
    if ours:
        yield f"of ours {', or '.join(ours)}"
    if any(cell.published_deviation is not None for cell in cells):
        yield "of theirs the deviation that was published"
