"""The leaderboard as GitHub-flavoured Markdown."""

from __future__ import annotations

import re

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard, ModelsEntry
from harness.leaderboard.formats.models import models_explained, models_legend, models_table, models_title
from harness.leaderboard.formats.remarks import (
    ALIKE,
    BEST,
    alike,
    blocked,
    facts,
    intervals_explained,
    legend,
    noted,
    rank_explained,
    remarks,
    title,
)
from harness.leaderboard.formats.tables import Entry, PlainTable, metric_tables, overall_table, overview

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


def escaped(text: str) -> str:
    """Text that Markdown leaves alone."""
    return _SPECIAL.sub(r"\\\1", text)


def _group(document: Leaderboard, group: GroupEntry, weighting: Weighting) -> list[str]:
    notes = remarks(group)
    said = [*facts(document, group), rank_explained(group, weighting)]
    parts = [f"## {escaped(title(group))}", escaped(" · ".join(said))]
    parts += ["\n".join(["Notes:", *(f"- {escaped(note)}" for note in noted(group))])] if group.notes else []
    if (cause := blocked(group)) is not None:
        return [*parts, escaped(cause)]
    parts.append(markdown_table(overview(group, weighting, notes)))
    for table in metric_tables(group, weighting, notes):
        parts += [f"### {escaped(table.title)}", markdown_table(table)]
    explained = [f"- {mark} {escaped(meaning)}" for mark, meaning in legend(document, group) if mark != BEST]
    explained += [f"- †{number} {escaped(text)}" for number, text in enumerate(notes.texts, start=1)]
    basics = f"- **bold**: best of the column; *italic*: null explainers\n- ±: {escaped(intervals_explained(group))}"
    basics += f"\n- {escaped(ALIKE)}" if alike(group, weighting) else ""
    return [*parts, "\n".join([basics, *explained])]


def _models(document: Leaderboard, entry: ModelsEntry) -> list[str]:
    """One model against another."""
    legend_of = [f"- {mark} {escaped(meaning)}" for mark, meaning in models_legend(document, entry)]
    heading, table = f"## {escaped(models_title(entry))}", markdown_table(models_table(document, entry))
    return [heading, escaped(models_explained(document, entry)), table, *(["\n".join(legend_of)] if legend_of else [])]


def markdown_table(table: PlainTable) -> str:
    """One table; its title is not in it."""
    lines = [[escaped(header) for header in table.headers]]
    for row, null in zip(table.rows, table.nulls, strict=True):
        lines.append([_cell(entry, null and k == 0) for k, entry in enumerate(row)])
    widths = [max(len(line[k]) for line in lines) for k in range(len(table.headers))]
    rule = [":" + "-" * (width - 1) if k == 0 else "-" * (width - 1) + ":" for k, width in enumerate(widths)]
    padded = [
        [cell.ljust(width) if k == 0 else cell.rjust(width) for k, (cell, width) in enumerate(zip(line, widths, strict=True))]
        for line in lines
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])


def _cell(entry: Entry, italic: bool) -> str:
    text = escaped(entry.text)
    if entry.best:
        text = f"**{text}**"
    elif italic:
        text = f"*{text}*"
    notes = " †" + ",".join(map(str, entry.notes)) if entry.notes else ""
    return f"{text}{' ' if entry.marks else ''}{entry.marks}{notes}"
