"""Box plots as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from harness.leaderboard.formats.text_grid import GridColumn
from harness.leaderboard.number_format import number_formatter
from harness.leaderboard.sections.section import LegendItem
from harness.results.levels_document import LevelScores

BOX_PLOT_WIDTHS = (20, 40)
_MEANING = "quartiles and median, whiskers to the farthest score within 1.5 times the quartiles' distance; ● mean"
BOX_LEGEND = LegendItem("├─▒┃▒─┤", _MEANING, "term")


def draw_boxes(boxes: Sequence[LevelScores], width: int) -> GridColumn:
    """Every box on one scale, the ends of which stand over it."""
    found = [value for box in boxes for value in (box.lower_whisker, box.upper_whisker, box.mean) if value is not None]
    low, high = min(found, default=0.0), max(found, default=0.0)
    numbers = number_formatter([low, high])
    column = GridColumn("", [_box(box, low, high, width) for box in boxes], align="left")
    ends = numbers(low), numbers(high)
    scale = ends[0].center(width) if ends[0] == ends[1] else ends[0] + ends[1].rjust(width - len(ends[0]))
    column.lines = [scale if len(ends[0]) + len(ends[1]) < width else ""]
    column.width = width
    return column


def _box(box: LevelScores, low: float, high: float, width: int) -> Text:
    """Whiskers, quartiles, mean and median; what stands in one cell hides what was named before it."""
    marks = (box.lower_whisker, box.lower_quartile, box.median, box.upper_quartile, box.upper_whisker, box.mean)
    start, lower, median, upper, end, mean = (_cell_of(value, low, high, width) for value in marks)
    line = dict.fromkeys(range(start, end + 1), ("─", "dim")) | {start: ("├", "dim"), end: ("┤", "dim")}
    line |= dict.fromkeys(range(lower, upper + 1), ("▒", "cyan"))
    line |= {mean: ("●", "bold cyan"), median: ("┃", "bold")}
    return Text.assemble(*(line.get(place, " ") for place in range(width)))


def _cell_of(value: float | None, low: float, high: float, width: int) -> int:
    return 0 if value is None else (width - 1) // 2 if high <= low else round((value - low) / (high - low) * (width - 1))
