"""The leaderboard as GitHub-flavoured Markdown."""

from __future__ import annotations

import re

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard, ModelsEntry
from harness.leaderboard.formats.annotations import (
    BEST,
    NEMENYI_EXPLAINED,
    blocked_reason,
    collect_footnotes,
    explain_intervals,
    explain_rank,
    group_facts,
    group_legend,
    group_title,
    nemenyi_letters,
    reader_notes,
)
from harness.leaderboard.formats.model_comparison import (
    explain_model_comparison,
    model_comparison_legend,
    model_comparison_table,
    model_comparison_title,
)
from harness.leaderboard.formats.plain_tables import PlainTable, TableCell, metric_tables, overall_table, overview_table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def render_markdown(document: Leaderboard, group: Weighting = "category") -> str:
    """Headings and tables; the best of a column is bold, nulls are in italics."""
    parts = [part for entry in document.groups for part in _group(document, entry, group)]
    if len(document.groups) > 1:
        table = overall_table(document, group)
        parts += [f"## Overall: mean rank across {len(document.groups)} groups", markdown_table(table)]
    for compared in document.models:
        parts += _models(document, compared)
    return "\n\n".join(parts) + "\n"


def escape_markdown(text: str) -> str:
    """Text that Markdown leaves alone."""
    return _SPECIAL.sub(r"\\\1", text)


def _group(document: Leaderboard, group: GroupEntry, weighting: Weighting) -> list[str]:
    notes = collect_footnotes(group)
    said = [*group_facts(document, group), explain_rank(group, weighting)]
    parts = [f"## {escape_markdown(group_title(group))}", escape_markdown(" · ".join(said))]
    parts += ["\n".join(["Notes:", *(f"- {escape_markdown(note)}" for note in reader_notes(group))])] if group.notes else []
    if (cause := blocked_reason(group)) is not None:
        return [*parts, escape_markdown(cause)]
    parts.append(markdown_table(overview_table(group, weighting, notes)))
    for table in metric_tables(group, weighting, notes):
        parts += [f"### {escape_markdown(table.title)}", markdown_table(table)]
    explained = [f"- {mark} {escape_markdown(meaning)}" for mark, meaning in group_legend(document, group) if mark != BEST]
    explained += [f"- †{number} {escape_markdown(text)}" for number, text in enumerate(notes.texts, start=1)]
    basics = f"- **bold**: best of the column; *italic*: null explainers\n- ±: {escape_markdown(explain_intervals(group))}"
    basics += f"\n- {escape_markdown(NEMENYI_EXPLAINED)}" if nemenyi_letters(group, weighting) else ""
    return [*parts, "\n".join([basics, *explained])]


def _models(document: Leaderboard, entry: ModelsEntry) -> list[str]:
    """One model against another."""
    legend_of = [f"- {mark} {escape_markdown(meaning)}" for mark, meaning in model_comparison_legend(document, entry)]
    heading, table = f"## {escape_markdown(model_comparison_title(entry))}", markdown_table(model_comparison_table(document, entry))
    return [heading, escape_markdown(explain_model_comparison(document, entry)), table, *(["\n".join(legend_of)] if legend_of else [])]


def markdown_table(table: PlainTable) -> str:
    """One table; its title is not in it."""
    lines = [[escape_markdown(header) for header in table.headers]]
    for row, null in zip(table.rows, table.nulls, strict=True):
        lines.append([_cell(entry, null and k == 0) for k, entry in enumerate(row)])
    widths = [max(len(line[k]) for line in lines) for k in range(len(table.headers))]
    rule = [":" + "-" * (width - 1) if k == 0 else "-" * (width - 1) + ":" for k, width in enumerate(widths)]
    padded = [
        [cell.ljust(width) if k == 0 else cell.rjust(width) for k, (cell, width) in enumerate(zip(line, widths, strict=True))]
        for line in lines
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])


def _cell(entry: TableCell, italic: bool) -> str:
    text = escape_markdown(entry.text)
    if entry.best:
        text = f"**{text}**"
    elif italic:
        text = f"*{text}*"
    notes = " †" + ",".join(map(str, entry.notes)) if entry.notes else ""
    return f"{text}{' ' if entry.marks else ''}{entry.marks}{notes}"
