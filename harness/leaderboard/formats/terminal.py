"""The leaderboard on a terminal of any width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from harness.leaderboard.diff import ResultsDifference
from harness.leaderboard.formats.box_lines import BOX_LEGEND, BOX_PLOT_WIDTHS, draw_boxes
from harness.leaderboard.formats.text_grid import GAP, SOFT_HYPHEN, GridColumn, draw_block, pack_columns, total_width, widen_sections
from harness.leaderboard.sections.all_sections import View, leaderboard_sections
from harness.leaderboard.sections.difference import difference_sections
from harness.leaderboard.sections.section import (
    BEST,
    BETTER,
    MIXED,
    NULL,
    UNDEFINED,
    WORSE,
    Column,
    LegendItem,
    Section,
    Table,
    TableCell,
    Tone,
)
from harness.results.document import Leaderboard, Skill

TO_ASCII = str.maketrans("─━●▲▼◆°†‡±·–…↑↓µ×├▒┃┤", "-=o+-?o#~+--.^vux+=|+")
PLOT_WIDTHS = (14, 40)
NEXT_LINE = "  "  # before what goes on of a name
HYPHENATED = {
    word.replace(SOFT_HYPHEN, ""): word
    for word in ("localis\u00adation", "faithful\u00adness", "complex\u00adity", "robust\u00adness", "random\u00adisation")
}
MARK_STYLES = {BEST: "bold green", BETTER: "green", WORSE: "red", MIXED: "cyan", NULL: "yellow", UNDEFINED: "magenta"}
TONE_STYLES: dict[Tone, str] = {
    "": "", "strong": "bold", "warning": "yellow", "problem": "red", "faint": "dim", "absent": "", "gone": "red", "new": "green",
}  # fmt: skip
STYLES = {"best": (BEST, "best of the metric, nulls aside"), "null": ("( )", "null explainers, which the others have to beat")}


def render_terminal(document: Leaderboard, view: View) -> str:
    """The leaderboard as text of at most ``view.width`` cells a line."""
    text = _draw(leaderboard_sections(document, view), view.width, view.color)
    return text.translate(TO_ASCII).encode("ascii", "replace").decode("ascii") if view.ascii_only else text


def render_difference(
    difference: ResultsDifference, before: str = "before", after: str = "after", *, width: int = 100, color: bool = False
) -> str:
    """The difference of two runs as text; ``before`` and ``after`` name them."""
    return _draw(difference_sections(difference, before, after), width, color).rstrip("\n") + "\n"


def _draw(sections: Iterator[Section], width: int, color: bool) -> str:
    """With ANSI styles if ``color``; the environment has no say."""
    width, out = max(width, 1), StringIO()
    system: Literal["standard"] | None = "standard" if color else None
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        color_system=system,
        no_color=not color,
        highlight=False,
        legacy_windows=False,
    )
    for section in sections:
        for line in _section(section, width):
            console.print(line)
    return out.getvalue()


def _section(section: Section, width: int) -> Iterator[Text]:
    yield from (Text(line, style="bold") for line in _wrap(section.title, width))
    if section.facts:
        yield from (Text(line, style="dim") for line in _wrap(" · ".join(section.facts), width))
    yield from _legend([LegendItem("notes:" if k == 0 else "", note) for k, note in enumerate(section.notes)], width, style="dim")
    for pieces in section.lines:
        yield from _hang(Text.assemble(*((text, TONE_STYLES[tone]) for text, tone in pieces)), width)
    yield Text()
    if section.cause is not None:
        yield from (Text(line, style="dim") for line in _wrap(section.cause, width))
        yield Text()
    for table in section.tables:
        yield from _table(table, width)
    legend = [BOX_LEGEND] if any(table.boxes for table in section.tables) else []
    legend += section.legend(section.tables) if section.tables else ()
    if legend:
        yield from _legend(legend, width)
        yield Text()


def _legend(items: Sequence[LegendItem], width: int, style: str = "") -> Iterator[Text]:
    """Each mark before its meaning, whose further lines stand under the first."""
    entries = [STYLES[item.mark] if item.kind == "style" else (item.mark, item.meaning) for item in items]
    marks = [Text(mark, style or ("yellow" if mark.startswith("†") else MARK_STYLES.get(mark, ""))) for mark, _ in entries]
    longest = max((mark.cell_len for mark in marks), default=0)
    indent = longest + (2 if any(item.kind == "term" and item.mark.isalpha() for item in items) else 1)  # words stand farther off
    for mark, (_, meaning) in zip(marks, entries, strict=True):
        for k, line in enumerate(_wrap(meaning, max(width - indent, 1))):
            lead = mark if k == 0 else Text()
            yield Text.assemble(lead, " " * (indent - lead.cell_len), (line, "dim"))


def _wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, without trailing blanks; Rich leaves a blank line behind a word that it cut to the very width."""
    return [shown for line in Text(text).wrap(Console(width=width), width) if (shown := line.plain.rstrip())] or [""]


def _hang(text: Text, width: int) -> Iterator[Text]:
    """The text in lines, those after the first indented further than any begins, where there is room for that."""
    indent = 4 if width >= 40 else 0
    for k, line in enumerate(text.wrap(Console(width=width), width - indent)):
        line.rstrip()
        yield Text.assemble(" " * indent, line) if k else line


def _table(table: Table, width: int) -> Iterator[Text]:
    """The columns in blocks that fit the width; what the first leaves of it takes a plot of the estimates, behind its second column."""
    names = _name_columns(table, max(6, width // 2 if width < 60 else width // 3 if table.positions else width * 2 // 5))
    fixed = [GridColumn("", list(map(Text, table.positions))), *names] if table.positions and width >= 50 else names
    columns = [_grid_column(column) for column in sorted(table.columns[table.names :], key=lambda column: column.last)]
    if table.boxes:
        room = max(1, width - total_width(fixed) - GAP)
        columns = [draw_boxes(table.boxes, min(room, BOX_PLOT_WIDTHS[0])), *columns]
    any_estimate = any(estimate.value is not None for estimate in table.estimates)
    styles = ["dim" if null else "" for null in table.nulls]
    yield from (Text(line, style="bold") for line in _wrap(table.title, width) if table.needs_title)
    for k, block in enumerate(pack_columns(fixed, columns, width)):
        spare = width - total_width(widen_sections([*fixed, *block], width)) - GAP
        plot = [_plot(table.estimates, min(spare, PLOT_WIDTHS[1]))] if any_estimate and k == 0 and spare >= PLOT_WIDTHS[0] else []
        if table.boxes and k == 0:
            block[0] = draw_boxes(table.boxes, min(block[0].width + max(spare + GAP, 0), max(block[0].width, BOX_PLOT_WIDTHS[1])))
        yield from draw_block([*fixed, *block[:2], *plot, *block[2:]], styles, width)
        yield Text()


def _name_columns(table: Table, width: int) -> list[GridColumn]:
    """The columns that name the rows, in ``width`` together; where there are several, what a name repeats is left out."""
    further = [
        GridColumn(column.header, [Text(cell.text) for cell in column.cells], align="left") for column in table.columns[1 : table.names]
    ]
    longest = max((cell_len(line) for cell in _name_column(table, width).cells for line in cell.plain.split("\n")), default=0)
    further = [column.limited(max(6, width // table.names, width - longest - GAP)) for column in further]  # what the first leaves
    first = _name_column(table, max(6, width - total_width(further) - GAP * len(further)))
    if further:
        first.cells = [Text() if k and cell == first.cells[k - 1] else cell for k, cell in enumerate(first.cells)]
    return [first, *further]


def _name_column(table: Table, width: int) -> GridColumn:
    """The labels of rows, those of nulls in parentheses; shortened before their footnotes are, or wrapped if some would be alike."""
    labels = {cell.text for cell in table.columns[0].cells}
    wrapped = len({label[: width - 1] if len(label) > width else label for label in labels}) < len(labels)
    cells = []
    for cell, null in zip(table.columns[0].cells, table.nulls, strict=True):
        note = f" {cell.dagger}" if cell.notes else ""
        name = Text(f"({cell.text})") if null else Text(cell.text, style="bold")
        room = max(1, width - len(note))
        if wrapped and room > len(NEXT_LINE):
            name.plain = "\n".join(textwrap.wrap(name.plain, room, subsequent_indent=NEXT_LINE, break_on_hyphens=False))
        else:
            name.truncate(room, overflow="ellipsis")
        cells.append(Text.assemble(name, (note, "yellow")))
    return GridColumn(table.columns[0].header, cells, align="left").limited(width)


def _grid_column(column: Column) -> GridColumn:
    """The cells with means and halves of intervals below each other."""
    means = [cell for cell in column.cells if cell.half]
    wide, deep = max((len(cell.text) for cell in means), default=0), max((len(cell.half) for cell in means), default=0)
    cells = [_cell(cell, wide, deep) for cell in column.cells]
    header = HYPHENATED.get(column.header, column.header) if column.last else column.header
    return GridColumn(header, cells, column.align, column.section, column.arrow)


def _cell(cell: TableCell, wide: int, deep: int) -> Text:
    if cell.tone == "absent":
        return Text()
    text = Text(cell.text.rjust(wide) if cell.half else cell.text, style="bold green" if cell.best else TONE_STYLES[cell.tone])
    text.append(f" {cell.half.ljust(deep)}" if cell.half else "", style="not bold dim")
    for mark in cell.marks:
        text.append(mark, style=MARK_STYLES.get(mark, "yellow"))
    return text.append(cell.dagger, style="yellow")


def _plot(estimates: Sequence[Skill], width: int) -> GridColumn:
    """Every estimate and its interval on one scale from 0 to 1, whose middle is marked."""
    column = GridColumn("", [_bar(estimate, width) for estimate in estimates], align="left")
    left = (width - 1) // 2 - 1
    column.lines = [f"0{' ' * (left - 1)}0.5{' ' * (width - left - 4)}1"]
    return column


def _bar(estimate: Skill, width: int) -> Text:
    value = estimate.value
    if value is None:
        return Text(" " * width)
    ends = [value if end is None else end for end in (estimate.low, estimate.high)]
    low, middle, high = (round(end * (width - 1)) for end in (ends[0], value, ends[1]))
    half = (width - 1) // 2
    bar = [("━" * (middle - low), "cyan"), ("●", "bold cyan"), ("━" * (high - middle), "cyan")]
    before, after = (" " * low, " " * (width - high - 1))
    if half < low:
        before = before[:half] + "·" + before[half + 1 :]
    elif half > high:
        after = after[: half - high - 1] + "·" + after[half - high :]
    return Text.assemble((before, "dim"), *bar, (after, "dim"))
