"""The leaderboard as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.leaderboard.sections.all_sections import View, leaderboard_sections
from harness.leaderboard.sections.section import LegendItem, Section, Table, TableCell
from harness.results.document import Leaderboard

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
STYLES = "- **bold**: best of the column, nulls aside; *italic*: null explainers, which the others have to beat"


def render_markdown(document: Leaderboard, view: View) -> str:
    """Headings and tables; the best of a column is bold, nulls are in italics."""
    return "\n\n".join(part for section in leaderboard_sections(document, view) for part in _section(section)) + "\n"


def escape_markdown(text: str) -> str:
    """Text that Markdown leaves alone."""
    return _SPECIAL.sub(r"\\\1", text)


def _section(section: Section) -> Iterator[str]:
    yield f"## {escape_markdown(section.title)}"
    if section.facts:
        yield escape_markdown(" · ".join(section.facts))
    if section.notes:
        yield "\n".join(["Notes:", *(f"- {escape_markdown(note)}" for note in section.notes)])
    if section.cause is not None:
        yield escape_markdown(section.cause)
    for table in section.titled_tables:
        if table.title:
            yield f"### {escape_markdown(table.title)}"
        yield _table(table)
    items = list(section.legend(section.tables))
    lines = [STYLES] if any(item.kind == "style" for item in items) else []
    lines += [_legend_line(item) for item in items if item.kind != "style"]
    if lines and section.tables:
        yield "\n".join(lines)


def _legend_line(item: LegendItem) -> str:
    mark = "" if item.kind == "example" else f"{escape_markdown(item.mark)}{':' if item.kind == 'term' else ''} "
    return f"- {mark}{escape_markdown(item.meaning)}"


def _table(table: Table) -> str:
    lines = [[escape_markdown(header) for header in table.headers]]
    for row, null in zip(table.rows, table.nulls, strict=True):
        lines.append([_cell(cell, null and k == 0) for k, cell in enumerate(row)])
    widths = [max(len(line[k]) for line in lines) for k in range(len(table.headers))]
    rule = [":" + "-" * (width - 1) if k < table.names else "-" * (width - 1) + ":" for k, width in enumerate(widths)]
    padded = [
        [cell.ljust(width) if k < table.names else cell.rjust(width) for k, (cell, width) in enumerate(zip(line, widths, strict=True))]
        for line in lines
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])


def _cell(cell: TableCell, italic: bool) -> str:
    text = escape_markdown(cell.words)
    if cell.best:
        text = f"**{text}**"
    elif italic:
        text = f"*{text}*"
    return " ".join(filter(None, [text, cell.other_marks, cell.dagger]))
