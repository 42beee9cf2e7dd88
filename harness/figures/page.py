"""A page of panels of one size: rows under titles of several lines, groups on shaded ground under their names, and a legend."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, OffsetBox
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from harness.figures.layout import GAP, GroupSpan, PanelPosition
from harness.figures.legend import FAINT, LINE, flow_into_lines
from harness.figures.text_layout import line_height, text_style, wrap_text

MARGIN = 0.18
TITLE = 9.0
GROUP = 8.0
PAD = 0.06
ROW_GAP = 0.16
INK = "#222222"
SHADE = "#edf0f4"


def make_page(
    places: Sequence[PanelPosition],
    titles: Sequence[Sequence[str]],
    groups: Sequence[GroupSpan],
    panel: tuple[float, float],
    legend: Sequence[OffsetBox],
) -> tuple[Figure, list[Axes]]:
    """A figure with empty axes of ``panel`` inches, one in each of ``places``; a row is as high as its titles and names ask for."""
    width, height = panel
    rows = range(max(place.row for place in places) + 1)
    columns = max(place.column for place in places) + 1
    names = [wrap_text(group.name, (group.last - group.first) * (width + GAP) + width, GROUP, "bold") for group in groups]
    title_room = [line_height(TITLE) * _most_lines(titles, [place.row for place in places], row) for row in rows]
    name_lines = [_most_lines(names, [group.row for group in groups], row) for row in rows]
    name_room = [line_height(GROUP) * lines + PAD * (lines > 0) for lines in name_lines]
    heights = [inches for row in rows for inches in (ROW_GAP * (row > 0) + name_room[row] + title_room[row] + PAD, height)]
    content = columns * width + (columns - 1) * GAP
    figure = Figure(facecolor="white")
    FigureCanvasAgg(figure)
    lines, widest = flow_into_lines(legend, content, figure)
    below = (PAD + ROW_GAP + LINE * len(lines)) if lines else MARGIN
    page_width, page_height = 2 * MARGIN + max(content, widest), MARGIN + sum(heights) + below
    figure.set_size_inches(page_width, page_height)
    edges = {"left": MARGIN / page_width, "right": (MARGIN + content) / page_width}
    edges |= {"top": 1 - MARGIN / page_height, "bottom": below / page_height}
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights, wspace=GAP / width, hspace=0, **edges)
    panels = [figure.add_subplot(grid[2 * place.row + 1, place.column]) for place in places]
    for axes, title in zip(panels, titles, strict=True):
        _frame(axes, title)
    for group, name in zip(groups, names, strict=True):
        members = [axes for axes, place in zip(panels, places, strict=True) if place.row == group.row]
        _shade(figure, members[group.first : group.last + 1], name, name_room[group.row] + title_room[group.row] + PAD)
    for number, line in enumerate(lines):
        anchor = Bbox.from_bounds(MARGIN / page_width, (below - ROW_GAP - (number + 0.5) * LINE) / page_height, 0, 0)
        box = AnchoredOffsetbox(
            "center left", pad=0, borderpad=0, child=line, frameon=False, bbox_to_anchor=anchor, bbox_transform=figure.transFigure
        )
        figure.add_artist(box)
    return figure, panels


def _frame(axes: Axes, title: Sequence[str]) -> None:
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(linewidth=0.4, edgecolor="#9aa3ad")
    axes.set_title("\n".join(title), loc="left", pad=72 * (PAD + 0.03), **text_style(TITLE, INK))


def _shade(figure: Figure, members: Sequence[Axes], name: Sequence[str], above: float) -> None:
    """The ground of neighbours in one row, ``above`` inches higher than their pictures, and their name at its top."""
    width, height = figure.get_size_inches()
    first, last = members[0].get_position(), members[-1].get_position()
    top = first.y1 + above / height
    corner = (first.x0 - PAD / width, first.y0 - PAD / height)
    ground = Rectangle(corner, last.x1 - first.x0 + 2 * PAD / width, top - corner[1] + PAD / 2 / height)
    ground.set(facecolor=SHADE, edgecolor="none", zorder=-1, transform=figure.transFigure)
    figure.add_artist(ground)
    figure.text(first.x0, top, "\n".join(name), va="top", **text_style(GROUP, FAINT, "bold"))


def _most_lines(texts: Sequence[Sequence[str]], rows: Sequence[int], row: int) -> int:
    """Lines of the longest of the texts in one row; 0 if it has none."""
    return max((len(lines) for lines, r in zip(texts, rows, strict=True) if r == row), default=0)
