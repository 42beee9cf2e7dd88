"""Tables of text that fit a width: columns are packed into blocks, never clipped where a block can be started instead."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Literal

from rich.cells import cell_len
from rich.text import Text

GAP = 2
SOFT_HYPHEN = "\u00ad"


@dataclass
class GridColumn:
    """One column of a grid.

    Attributes:
        header: its name; wrapped at spaces, hyphens and soft hyphens to the width of the cells.
        cells: one per row; they may have several lines.
        align: of cells and header.
        section: a heading that neighbouring columns share.
        arrow: put behind the header's last line.
    """

    header: str
    cells: list[Text]
    align: Literal["left", "right"] = "right"
    section: str | None = None
    arrow: str = ""
    lines: list[str] = field(init=False)
    width: int = field(init=False)

    def __post_init__(self) -> None:
        content = max((cell_len(line) for cell in self.cells for line in cell.plain.split("\n")), default=0)
        self.lines = wrap_header(self.header, content, self.arrow)
        self.width = max(content, *(cell_len(line) for line in self.lines))

    def limited(self, width: int) -> GridColumn:
        """The column, each line of its cells shortened to ``width``."""
        cells = [Text("\n").join(_shortened(line, width) for line in cell.split("\n", allow_blank=True)) for cell in self.cells]
        header = Text(self.header)
        header.truncate(width, overflow="ellipsis")
        return GridColumn(header.plain, cells, self.align, self.section, self.arrow)


def _shortened(line: Text, width: int) -> Text:
    line = line.copy()
    line.truncate(width, overflow="ellipsis")
    return line


def wrap_header(header: str, width: int, arrow: str) -> list[str]:
    """The header in lines of at most ``width`` where words allow, broken at spaces, behind hyphens and at soft hyphens."""
    words = header.replace("-", "-\0").replace(" ", " \0").replace(SOFT_HYPHEN, f"{SOFT_HYPHEN}\0").split("\0")
    words[-1] += f" {arrow}" if arrow else ""
    room = max(width, *(cell_len(_visible_line(word)) for word in words))
    lines = [""]
    for word in words:
        if lines[-1] and cell_len(_visible_line(lines[-1] + word)) > room:
            lines.append("")
        lines[-1] += word
    return [_visible_line(line) for line in lines]


def _visible_line(line: str) -> str:
    """A line as it stands: a soft hyphen shows at its end only."""
    shown = "-" if line.endswith(SOFT_HYPHEN) else ""
    return line.replace(SOFT_HYPHEN, "").strip() + shown


def pack_columns(fixed: Sequence[GridColumn], columns: Sequence[GridColumn], width: int) -> list[list[GridColumn]]:
    """Blocks of columns, each no wider than ``width`` with the ``fixed`` ones before it, in as few blocks as can be.

    Sections are kept whole where that takes no more blocks. A single column that is wider than the room has a block of its own.
    """
    whole = _fill_blocks(fixed, _section_runs(columns), width)
    split = _fill_blocks(fixed, [[column] for column in columns], width)
    fits = all(total_width([*fixed, *block]) <= width for block in whole)
    return whole if fits and len(whole) <= len(split) else split


def _fill_blocks(fixed: Sequence[GridColumn], runs: Sequence[list[GridColumn]], width: int) -> list[list[GridColumn]]:
    """Put runs of columns into blocks, one behind the other."""
    blocks: list[list[GridColumn]] = []
    for run in runs:
        if blocks and total_width([*fixed, *blocks[-1], *run]) <= width:
            blocks[-1].extend(run)
        else:
            blocks.append(list(run))
    return blocks


def _section_runs(columns: Sequence[GridColumn]) -> list[list[GridColumn]]:
    """Runs of columns that share a section; columns without one stand alone."""
    runs: list[list[GridColumn]] = []
    for column in columns:
        if runs and column.section is not None and runs[-1][0].section == column.section:
            runs[-1].append(column)
        else:
            runs.append([column])
    return runs


def total_width(columns: Sequence[GridColumn]) -> int:
    """The width of columns side by side."""
    return sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)


def draw_block(columns: Sequence[GridColumn], styles: Sequence[str], width: int) -> list[Text]:
    """The lines of one block: section headings, headers, a rule, the rows (each in its style)."""
    lines = []
    if any(column.section for column in columns):
        columns = widen_sections(columns, width)
        lines += _section_headings(columns)
    height = max(len(column.lines) for column in columns)
    for level in range(height):
        parts = []
        for column in columns:
            missing = height - len(column.lines)
            parts.append(Text(column.lines[level - missing] if level >= missing else "", style="bold"))
        lines.append(_join_cells(columns, parts))
    lines.append(Text("─" * min(width, total_width(columns)), style="dim"))
    for row, style in enumerate(styles):
        cells = [column.cells[row].split("\n", allow_blank=True) for column in columns]
        for level in range(max(map(len, cells))):
            line = _join_cells(columns, [cell[level] if level < len(cell) else Text() for cell in cells])
            line.stylize_before(style)
            lines.append(line)
    for line in lines:
        line.rstrip()
        line.truncate(width, overflow="ellipsis")
        line.rstrip()
    return lines


def widen_sections(columns: Sequence[GridColumn], width: int) -> list[GridColumn]:
    """The columns, the last of each section as wide as the section's name takes and ``width`` leaves."""
    spare = width - total_width(columns)
    wide = []
    for run in _section_runs(columns):
        last = copy(run[-1])
        missing = min(spare, max(0, cell_len(run[0].section or "") - total_width(run)))
        if missing > 0:
            last.width += missing
            spare -= missing
        wide += [*run[:-1], last]
    return wide


def _join_cells(columns: Sequence[GridColumn], parts: Sequence[Text]) -> Text:
    line = Text()
    for k, (column, part) in enumerate(zip(columns, parts, strict=True)):
        line.append(" " * GAP if k else "")
        room = " " * (column.width - part.cell_len)
        line.append_text(Text.assemble(room, part) if column.align == "right" else Text.assemble(part, room))
    return line


def _section_headings(columns: Sequence[GridColumn]) -> list[Text]:
    """Section names over the columns they span, in as many lines as they take, the last drawn out with a line."""
    runs = _section_runs(columns)
    spans = [total_width(run) for run in runs]
    names = [wrap_header(run[0].section or "", span, "") for run, span in zip(runs, spans, strict=True)]
    height = max(map(len, names))
    lines = [Text() for _ in range(height)]
    for k, (name, span) in enumerate(zip(names, spans, strict=True)):
        for level, line in enumerate(lines, len(name) - height):
            label = Text(name[level][:span] if level >= 0 else "")
            if level == len(name) - 1 and label and span > label.cell_len + 1:
                label.append(" " + "─" * (span - label.cell_len - 1))
            line.append(" " * GAP if k else "")
            line.append(label.plain + " " * (span - label.cell_len), style="dim cyan")
    return lines
