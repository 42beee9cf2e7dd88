"""The leaderboard as HTML that stands by itself: for notebooks, and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard, ModelsEntry, Rank
from harness.leaderboard.formats.annotations import (
    BEST,
    BETTER,
    NEMENYI_EXPLAINED,
    NULL,
    UNDEFINED,
    WORSE,
    blocked_reason,
    collect_footnotes,
    explain_intervals,
    explain_rank,
    group_facts,
    group_legend,
    group_title,
    nemenyi_letters,
    ranked_rows,
    reader_notes,
)
from harness.leaderboard.formats.model_comparison import (
    explain_model_comparison,
    model_comparison_legend,
    model_comparison_table,
    model_comparison_title,
)
from harness.leaderboard.formats.plain_tables import PlainTable, TableCell, metric_tables, overall_table, overview_table

MARK_CLASSES = {BETTER: "better", WORSE: "worse", NULL: "null", UNDEFINED: "gaps"}
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
.harness .better { color: #1a9850; } .harness .worse { color: #d73027; }
.harness .null { color: #b8860b; } .harness .gaps { color: #9932cc; }
.harness sup { font-size: .7em; opacity: .8; }
.harness ul { list-style: none; padding: 0; margin: .8em 0; font-size: .9em; opacity: .85; }
.harness svg { vertical-align: middle; color: #2b8cbe; }
</style>"""
PLOT_WIDTH = 160
"""Width of the picture of a rank's interval."""


def render_html_page(document: Leaderboard, group: Weighting = "category") -> str:
    """A page of its own."""
    name = escape(str(document.run.get("name", "leaderboard")))
    head = f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{name}</title></head>'
    return f"{head}\n<body>\n{render_html(document, group)}</body>\n</html>\n"


def render_html(document: Leaderboard, group: Weighting = "category") -> str:
    """A part of a page, with its own style."""
    parts = [part for entry in document.groups for part in _group(document, entry, group)]
    if len(document.groups) > 1:
        parts += [heading(f"Overall: mean rank across {len(document.groups)} groups", 3), html_table(overall_table(document, group))]
    parts += [part for entry in document.models for part in _models(document, entry)]
    return html_fragment(parts)


def html_fragment(parts: Sequence[str]) -> str:
    """What belongs together, with the style that it needs."""
    return "\n".join([STYLE, '<div class="harness">', *parts, "</div>"]) + "\n"


def heading(text: str, level: int) -> str:
    """A heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def marked_list(marks: Sequence[tuple[str, str]]) -> str:
    """A legend: marks with their meanings."""
    return "\n".join(["<ul>", *(f"<li>{_mark(mark)} {escape(meaning)}</li>" for mark, meaning in marks), "</ul>"])


def html_table(table: PlainTable, pictures: Sequence[str] = (), place: int = 0) -> str:
    """One table; ``pictures``, one per row and HTML already, stand before the column ``place``."""
    heads = [f'<th scope="col">{escape(header)}</th>' for header in table.headers]
    if pictures:
        heads.insert(place, "<th></th>")
    lines = ["<div><table>", f"<thead><tr>{''.join(heads)}</tr></thead>", "<tbody>"]
    for k, (row, null) in enumerate(zip(table.rows, table.nulls, strict=True)):
        cells = [f'<th scope="row">{_cell(row[0])}</th>', *(f"<td>{_cell(entry)}</td>" for entry in row[1:])]
        if pictures:
            cells.insert(place, f"<td>{pictures[k]}</td>")
        lines.append(f"{'<tr class=nulls>' if null else '<tr>'}{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table></div>"])


def _group(document: Leaderboard, group: GroupEntry, weighting: Weighting) -> list[str]:
    notes = collect_footnotes(group)
    said = [*group_facts(document, group), explain_rank(group, weighting)]
    plots = [_plot(row.ranks[weighting], len(group.rows)) for row in ranked_rows(group, weighting)]
    parts = [heading(group_title(group), 3), paragraph(" · ".join(said))]
    parts += [paragraph(f"notes: {'; '.join(reader_notes(group))}")] if group.notes else []
    if (cause := blocked_reason(group)) is not None:
        return [*parts, paragraph(cause)]
    parts.append(html_table(overview_table(group, weighting, notes), plots, 3))
    for table in metric_tables(group, weighting, notes):
        parts += [heading(table.title, 4), html_table(table)]
    explained = [("±", explain_intervals(group))]
    if nemenyi_letters(group, weighting):
        explained.append(("", NEMENYI_EXPLAINED))
    explained.append(("", "bold: best of the column; italic: null explainers"))
    explained += [(mark, meaning) for mark, meaning in group_legend(document, group) if mark != BEST]
    explained += [(f"†{number}", text) for number, text in enumerate(notes.texts, start=1)]
    return [*parts, marked_list(explained)]


def _models(document: Leaderboard, entry: ModelsEntry) -> list[str]:
    parts = [
        heading(model_comparison_title(entry), 3),
        paragraph(explain_model_comparison(document, entry)),
        html_table(model_comparison_table(document, entry)),
    ]
    return [*parts, marked_list(list(model_comparison_legend(document, entry)))]


def _plot(rank: Rank, worst: int) -> str:
    """A rank and its interval on a scale from 1 to the number of rows."""
    if rank.mean is None:
        return ""

    def place(value: float) -> float:
        return 4 + (value - 1) / max(worst - 1, 1) * (PLOT_WIDTH - 8)

    low, high = (rank.mean if end is None else end for end in (rank.low, rank.high))
    line = f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" y1="7" y2="7" stroke="currentColor" stroke-width="2"/>'
    dot = f'<circle cx="{place(rank.mean):.1f}" cy="7" r="3.5" fill="currentColor"/>'
    return f'<svg width="{PLOT_WIDTH}" height="14" role="img" aria-label="rank {rank.mean:.2f}, {low:.1f} to {high:.1f}">{line}{dot}</svg>'


def _cell(entry: TableCell) -> str:
    text = escape(entry.text)
    if entry.best:
        text = f'<span class="best">{text}</span>'
    notes = f"<sup>†{','.join(map(str, entry.notes))}</sup>" if entry.notes else ""
    return text + "".join(map(_mark, entry.marks)) + notes


def _mark(mark: str) -> str:
    return f'<span class="{MARK_CLASSES[mark]}">{mark}</span>' if mark in MARK_CLASSES else escape(mark)
