"""A figure measured in inches from its top left corner: rows of titled panels on shaded groups, and a legend."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from harness.figures.colours import Array
from harness.figures.layout import GAP, GroupSpan, PanelPosition
from harness.figures.legend import BETWEEN, LINE, SIZE, SPACE, STRIP, LegendItem, flow_into_lines
from harness.figures.text_layout import FAMILY, line_height, text_width, wrap_text

MARGIN = 0.18
TITLE = 9.0
GROUP = 8.0
PAD = 0.06
ROW_GAP = 0.16
INK = "#222222"
FAINT = "#5f6773"
SHADE = "#edf0f4"


class Page:
    """Space for panels of one size, one in each of ``places``, under titles of several lines; groups are shaded under their names.

    A row is as high as its longest title and its longest group's name ask for.
    """

    def __init__(
        self,
        places: Sequence[PanelPosition],
        titles: Sequence[Sequence[str]],
        groups: Sequence[GroupSpan],
        panel: tuple[float, float],
        legend: Sequence[LegendItem],
    ) -> None:
        self.panel_width, self.panel_height = panel
        rows = range(max(place.row for place in places) + 1)
        columns = max(place.column for place in places) + 1
        names = [wrap_text(group.name, self._across(group), GROUP, "bold") for group in groups]
        self._names = [PAD * any(g.row == r for g in groups) + _row_text_height(names, [g.row for g in groups], r, GROUP) for r in rows]
        self._titles = [_row_text_height(titles, [place.row for place in places], r, TITLE) for r in rows]
        self._tops = [MARGIN]
        for title, name in zip(self._titles, self._names, strict=True):
            self._tops.append(self._tops[-1] + name + title + PAD + self.panel_height + ROW_GAP)
        content = columns * self.panel_width + (columns - 1) * GAP
        self._lines = flow_into_lines(legend, content)
        self.width = 2 * MARGIN + max([content, *(entry.width for entry in legend)])
        self.height = self._tops[-1] + LINE * len(self._lines) + (MARGIN - ROW_GAP if not self._lines else PAD)
        self.figure = Figure(figsize=(self.width, self.height), facecolor="white")
        FigureCanvasAgg(self.figure)
        for group, lines in zip(groups, names, strict=True):
            self._shade(group, lines)
        self._draw_legend()

    def panel(self, place: PanelPosition, title: Sequence[str], picture: Array) -> Axes:
        """Draw one picture with its title; pixels are sharp where they are drawn large."""
        left, top = self._corner(place)
        axes = self.figure.add_axes(self._box(left, top, self.panel_width, self.panel_height))
        axes.imshow(picture, interpolation="auto", aspect="auto")
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(linewidth=0.4, edgecolor="#9aa3ad")
        for number, line in enumerate(title):
            self._text(left, top - PAD - (len(title) - number - 0.5) * line_height(TITLE), line, TITLE, INK)
        return axes

    def _across(self, group: GroupSpan) -> float:
        """Inches from the left of a group's first panel to the right of its last."""
        return (group.last - group.first) * (self.panel_width + GAP) + self.panel_width

    def _shade(self, group: GroupSpan, name: Sequence[str]) -> None:
        left, picture = self._corner(PanelPosition(group.row, group.first))
        top = self._tops[group.row]
        height = picture + self.panel_height - top
        x, y, w, h = self._box(left - PAD, top - PAD / 2, self._across(group) + 2 * PAD, height + 1.5 * PAD)
        self.figure.add_artist(Rectangle((x, y), w, h, facecolor=SHADE, edgecolor="none", zorder=-1))
        for number, line in enumerate(name):
            self._text(left, top + (number + 0.5) * line_height(GROUP), line, GROUP, FAINT, weight="bold")

    def _corner(self, place: PanelPosition) -> tuple[float, float]:
        """The top left corner of the picture in a cell."""
        left = MARGIN + place.column * (self.panel_width + GAP)
        return left, self._tops[place.row] + self._names[place.row] + self._titles[place.row] + PAD

    def _box(self, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
        """A box from the top left corner in inches as matplotlib has it: from the bottom left, in parts of the figure."""
        return left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height

    def _text(self, left: float, middle: float, text: str, size: float, colour: str, weight: str = "normal") -> None:
        x, y, _, _ = self._box(left, middle, 0, 0)
        self.figure.text(x, y, text, va="center", size=size, color=colour, weight=weight, family=FAMILY, parse_math=False)

    def _draw_legend(self) -> None:
        for number, line in enumerate(self._lines):
            left, middle = MARGIN, self._tops[-1] + (number + 0.5) * LINE
            for entry in line:
                self._entry(entry, left, middle)
                left += entry.width + BETWEEN

    def _entry(self, entry: LegendItem, left: float, middle: float) -> None:
        if entry.before:
            self._text(left, middle, entry.before, SIZE, FAINT)
            left += text_width(entry.before, SIZE) + SPACE
        if entry.strip is not None:
            height = 0.03 if isinstance(entry.strip, str) else STRIP[1]
            axes = self.figure.add_axes(self._box(left, middle - height / 2, entry.strip_width, height))
            axes.set_axis_off()
            axes.imshow([[to_rgb(entry.strip)]] if isinstance(entry.strip, str) else entry.strip, aspect="auto")
            left += entry.strip_width + SPACE
        if entry.after:
            self._text(left, middle, entry.after, SIZE, FAINT)


def _row_text_height(texts: Sequence[Sequence[str]], rows: Sequence[int], row: int, size: float) -> float:
    """Inches that the longest of the texts in one row takes; 0 where there is none."""
    return line_height(size) * max((len(lines) for lines, r in zip(texts, rows, strict=True) if r == row), default=0)
