"""The leaderboard as HTML that stands by itself: for notebooks, and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from harness.leaderboard.number_format import number_formatter
from harness.leaderboard.sections.all_sections import View, leaderboard_sections
from harness.leaderboard.sections.section import BETTER, MIXED, NULL, UNDEFINED, WORSE, LegendItem, Section, Table, TableCell
from harness.results.document import Leaderboard, Skill
from harness.results.levels_document import LevelScores

MARK_CLASSES = {BETTER: "better", WORSE: "worse", MIXED: "mixed", NULL: "null", UNDEFINED: "gaps"}
STYLE = """<style>
.harness { font: 14px/1.45 system-ui, sans-serif; }
.harness p, .harness ul { max-width: 76em; }
.harness h3 { font-size: 1.15em; margin: 1.2em 0 .2em; }
.harness h4 { font-size: 1em; margin: 1.2em 0 .3em; }
.harness p { margin: .2em 0 .8em; opacity: .75; }
.harness div { overflow-x: auto; }
.harness table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0; }
.harness th, .harness td { padding: .15em .55em; text-align: right; white-space: nowrap; border: 0; background: none; }
.harness th { white-space: normal; vertical-align: bottom; border-bottom: 1px solid currentColor; font-weight: 600; }
.harness tbody th { text-align: left; white-space: nowrap; border: 0; }
.harness thead th:first-child { text-align: left; }
.harness tbody tr:nth-child(even) { background: rgba(127, 127, 127, .09); }
.harness tr.nulls th { font-weight: 400; font-style: italic; }
.harness tr.nulls { opacity: .7; }
.harness .best { font-weight: 700; }
.harness .better { color: #1a9850; } .harness .worse { color: #d73027; } .harness .mixed { color: #2b8cbe; }
.harness .null { color: #b8860b; } .harness .gaps { color: #9932cc; }
.harness .marks { display: inline-block; min-width: 1.8em; text-align: left; }
.harness sup { font-size: .7em; opacity: .8; }
.harness ul { list-style: none; padding: 0; margin: .8em 0; font-size: .9em; opacity: .85; }
.harness svg { vertical-align: middle; color: #2b8cbe; }
</style>"""
PLOT_WIDTH = 160
"""Width of the picture of an interval."""
SCALE = "".join(
    f'<text x="{x}" y="12" text-anchor="{anchor}" fill="currentColor">{share}</text>'
    for share, x, anchor in ((0, 4, "middle"), (0.5, PLOT_WIDTH // 2, "middle"), (1, PLOT_WIDTH, "end"))
)
"""The ends of the scale of intervals and its middle, over them."""
BOX_MEANING = "quartiles and median; whiskers to the farthest score within 1.5 times the quartiles' distance; dot: mean"
BOX_LEGEND = LegendItem("box", BOX_MEANING, "term")
STYLES = LegendItem("", "bold: best of the column, nulls aside; italic: null explainers, which the others have to beat")


def render_html_page(document: Leaderboard, view: View) -> str:
    """A page of its own."""
    name = escape(str(document.run.get("name", "leaderboard")))
    head = f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{name}</title></head>'
    return f"{head}\n<body>\n{render_html(document, view)}</body>\n</html>\n"


def render_html(document: Leaderboard, view: View) -> str:
    """A part of a page, with its own style."""
    parts = [part for section in leaderboard_sections(document, view) for part in _section(section)]
    return "\n".join([STYLE, '<div class="harness">', *parts, "</div>"]) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"<h3>{escape(section.title)}</h3>"
    notes = [f"notes: {'; '.join(section.notes)}"] if section.notes else []
    for text in (" · ".join(section.facts), *notes, section.cause):
        if text:
            yield f"<p>{escape(text)}</p>"
    for table in section.titled_tables:
        if table.title:
            yield f"<h4>{escape(table.title)}</h4>"
        yield _table(table)
    items = [BOX_LEGEND] if any(table.boxes for table in section.tables) else []
    items += section.legend(section.tables)
    marks = [item for item in items if item.kind in ("mark", "note")]
    first = [item for item in items if item.kind in ("term", "example")]
    styles = [STYLES] if len(marks) + len(first) < len(items) else []
    if items and section.tables:
        yield "\n".join(["<ul>", *map(_legend_line, [*first, *styles, *marks]), "</ul>"])


def _legend_line(item: LegendItem) -> str:
    mark = "" if item.kind == "example" else f"{_mark(item.mark)}{':' if item.kind == 'term' else ''}"
    return f"<li>{mark} {escape(item.meaning)}</li>"


def _table(table: Table) -> str:
    """One table; estimates with their intervals are drawn behind the columns that write them out."""
    heads = [f'<th scope="col">{escape(header)}</th>' for header in table.headers]
    marked = [any(cell.other_marks or cell.notes for cell in column.cells) for column in table.columns[table.names :]]
    rows = [
        [
            *(f'<th scope="row">{_cell(cell)}</th>' for cell in row[: table.names]),
            *(f"<td>{_cell(cell, room)}</td>" for cell, room in zip(row[table.names :], marked, strict=True)),
        ]
        for row in table.rows
    ]
    if any(estimate.value is not None for estimate in table.estimates):
        heads.insert(3, f'<th><svg width="{PLOT_WIDTH}" height="14" aria-hidden="true">{SCALE}</svg></th>')
        for row, estimate in zip(rows, table.estimates, strict=True):
            row.insert(3, f"<td>{_plot(estimate)}</td>")
    if table.boxes:
        ends = [value for box in table.boxes for value in (box.lower_whisker, box.upper_whisker, box.mean) if value is not None]
        low, high = min(ends, default=0.0), max(ends, default=0.0)
        heads.insert(table.names, f"<th>{_box_scale(low, high)}</th>")
        for row, box in zip(rows, table.boxes, strict=True):
            row.insert(table.names, f"<td>{_box(box, low, high)}</td>")
    lines = ["<div><table>", f"<thead><tr>{''.join(heads)}</tr></thead>", "<tbody>"]
    lines += [f"{'<tr class=nulls>' if null else '<tr>'}{''.join(row)}</tr>" for row, null in zip(rows, table.nulls, strict=True)]
    return "\n".join([*lines, "</tbody>", "</table></div>"])


def _plot(estimate: Skill) -> str:
    """An estimate and its interval on a scale from 0 to 1, whose middle is marked."""
    value = estimate.value
    if value is None:
        return ""

    def place(share: float) -> float:
        return 4 + share * (PLOT_WIDTH - 8)

    low, high = (value if end is None else end for end in (estimate.low, estimate.high))
    middle = f'<line x1="{place(0.5):.1f}" x2="{place(0.5):.1f}" y1="1" y2="13" stroke="currentColor" stroke-opacity=".35"/>'
    line = f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" y1="7" y2="7" stroke="currentColor" stroke-width="2"/>'
    dot = f'<circle cx="{place(value):.1f}" cy="7" r="3.5" fill="currentColor"/>'
    label = f"skill {value:.2f}, {low:.2f} to {high:.2f}"
    return f'<svg width="{PLOT_WIDTH}" height="14" role="img" aria-label="{label}">{middle}{line}{dot}</svg>'


def _box_scale(low: float, high: float) -> str:
    """The ends of the scale of box plots."""
    numbers = number_formatter([low, high])
    ends = ((4, "start", low), (PLOT_WIDTH - 4, "end", high))
    texts = [f'<text x="{x}" y="12" text-anchor="{anchor}" fill="currentColor">{numbers(end)}</text>' for x, anchor, end in ends]
    return f'<svg width="{PLOT_WIDTH}" height="14" aria-hidden="true">{"".join(texts)}</svg>'


def _box(box: LevelScores, low: float, high: float) -> str:
    """A box plot on a scale from ``low`` to ``high``."""

    def place(value: float | None) -> float:
        return PLOT_WIDTH / 2 if value is None or high <= low else 4 + (value - low) / (high - low) * (PLOT_WIDTH - 8)

    marks = (box.lower_whisker, box.lower_quartile, box.median, box.upper_quartile, box.upper_whisker)
    start, lower, median, upper, end = map(place, marks)
    whiskers = f'<path d="M{start:.1f} 4v6m0 -3H{end:.1f}m0 -3v6" stroke="currentColor" fill="none"/>'
    shape = f'x="{lower:.1f}" y="2" width="{upper - lower:.1f}" height="10"'
    body = f'<rect {shape} fill="currentColor" fill-opacity=".2" stroke="currentColor"/>'
    line = f'<line x1="{median:.1f}" x2="{median:.1f}" y1="2" y2="12" stroke="currentColor" stroke-width="2.5"/>'
    dot = "" if box.mean is None else f'<circle cx="{place(box.mean):.1f}" cy="7" r="2.5" fill="currentColor"/>'
    label = f"median {box.median:.4g}, quartiles {box.lower_quartile:.4g} and {box.upper_quartile:.4g}"
    return f'<svg width="{PLOT_WIDTH}" height="14" role="img" aria-label="{label}">{whiskers}{body}{line}{dot}</svg>'


def _cell(cell: TableCell, room: bool = False) -> str:
    """A cell; with ``room`` marks have a place of their own, so that numbers stand under one another."""
    text = escape(cell.words)
    if cell.best:
        text = f'<span class="best">{text}</span>'
    notes = f"<sup>{cell.dagger}</sup>" if cell.notes else ""
    marks = "".join(map(_mark, cell.other_marks)) + notes
    return f'{text}<span class="marks">{marks}</span>' if room else text + marks


def _mark(mark: str) -> str:
    return f'<span class="{MARK_CLASSES[mark]}">{mark}</span>' if mark in MARK_CLASSES else escape(mark)
