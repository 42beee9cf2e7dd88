"""Box plots of many rows at several levels: a panel for each quantity, side by side, over names that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea, HPacker, OffsetBox, TextArea
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from harness.figures.legend import BETWEEN, FAINT, LINE, SPACE, flow_into_lines
from harness.figures.page import INK, SHADE
from harness.figures.text_layout import FAMILY, line_height, text_style, text_width, wrap_text

BOX_HEIGHT, ROW_SPACE = 0.13, 0.09  # inches of one level's line, and between rows
PANEL_WIDTH, PANEL_GAP, BLOCK_GAP = 2.3, 0.22, 0.3
PANELS_ABREAST = 5
MARGIN, TICKS = 0.15, 0.22
NAMES, LABELS, TITLE = 8.0, 7.5, 9.0  # points
WIDEST_NAME = 2.6
HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito: told apart with any colour vision
LIGHTEST = 0.75  # of white, in the first of several shades of a hue


@dataclass(frozen=True)
class Box:
    """One box: whiskers, quartiles and median, and the mean with its interval (the mean alone where it has none)."""

    lower_whisker: float
    lower_quartile: float
    median: float
    upper_quartile: float
    upper_whisker: float
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class BoxPanel:
    """One quantity: its title, and for each row that has any the boxes by level."""

    title: str
    boxes: Mapping[str, Mapping[str, Box]]


@dataclass(frozen=True)
class BoxBlock:
    """Panels of the same rows: a title, the rows' names in order, and those that are drawn as nulls."""

    title: str
    rows: Sequence[str]
    nulls: frozenset[str]
    panels: Sequence[BoxPanel]


def draw_box_plots(blocks: Sequence[BoxBlock], by: str, levels: Mapping[str, Sequence[str]]) -> Figure:
    """Blocks under each other, with a legend of levels above.

    Args:
        by: what levels are levels of.
        levels: the values of each level by its name, in the order in which they are drawn. Where they are of several factors, the first
            decides the hue and the others the shade.

    Returns:
        A figure that belongs to no pyplot state.
    """
    colours = dict(zip(levels, level_colours(list(levels.values())), strict=True))
    figure = Figure(facecolor="white")
    FigureCanvasAgg(figure)
    panels = max(len(block.panels) for block in blocks)
    abreast = ceil(panels / ceil(panels / PANELS_ABREAST))
    names = min(WIDEST_NAME, max(text_width(row, NAMES) for block in blocks for row in block.rows)) + 0.1
    width = names + abreast * PANEL_WIDTH + (abreast - 1) * PANEL_GAP
    legend, widest = flow_into_lines(_legend_entries(by, colours), width, figure)
    width = max(width, widest)
    heights = [_block_height(block, len(levels), abreast) for block in blocks]
    above = MARGIN + LINE * len(legend) + 0.1
    page = (width + 2 * MARGIN, above + sum(heights) + BLOCK_GAP * (len(blocks) - 1) + MARGIN)
    figure.set_size_inches(page)
    for number, line in enumerate(legend):
        anchor = Bbox.from_bounds(MARGIN / page[0], 1 - (MARGIN + (number + 0.5) * LINE) / page[1], 0, 0)
        figure.add_artist(
            AnchoredOffsetbox(
                "center left", pad=0, borderpad=0, child=line, frameon=False, bbox_to_anchor=anchor, bbox_transform=figure.transFigure
            )
        )
    top = page[1] - above
    for block, height in zip(blocks, heights, strict=True):
        _draw_block(figure, block, colours, (MARGIN + names, top), abreast)
        top -= height + BLOCK_GAP
    return figure


def level_colours(levels: Sequence[Sequence[str]]) -> list[tuple[float, float, float]]:
    """A colour for each level: from dark to light where there is one factor, else hues of the first and shades of the others."""
    if len(levels[0]) == 1:
        return [to_rgb(colour) for colour in mpl.colormaps["cividis"](np.linspace(0.3, 0.98, len(levels)))]
    firsts = list(dict.fromkeys(level[0] for level in levels))
    others = list(dict.fromkeys(tuple(level[1:]) for level in levels))
    found = []
    for level in levels:
        hue = np.asarray(to_rgb(HUES[firsts.index(level[0]) % len(HUES)]))
        white = LIGHTEST * (1 - others.index(tuple(level[1:])) / max(len(others) - 1, 1))
        red, green, blue = (hue + (1 - hue) * white).tolist()
        found.append((red, green, blue))
    return found


def _rows_height(block: BoxBlock, levels: int) -> float:
    return len(block.rows) * (levels * BOX_HEIGHT + ROW_SPACE)


def _titles(panels: Sequence[BoxPanel]) -> list[list[str]]:
    return [wrap_text(panel.title, PANEL_WIDTH, TITLE) for panel in panels]


def _title_height(panels: Sequence[BoxPanel]) -> float:
    return max(len(title) for title in _titles(panels)) * line_height(TITLE) + 0.06


def _lines_of_panels(block: BoxBlock, abreast: int) -> list[Sequence[BoxPanel]]:
    return [block.panels[start : start + abreast] for start in range(0, len(block.panels), abreast)]


def _block_height(block: BoxBlock, levels: int, abreast: int) -> float:
    lines = _lines_of_panels(block, abreast)
    panels = sum(_title_height(line) + _rows_height(block, levels) + TICKS for line in lines)
    return line_height(TITLE) + 0.08 + panels + BLOCK_GAP / 2 * (len(lines) - 1)


def _draw_block(figure: Figure, block: BoxBlock, colours: Mapping[str, Any], corner: tuple[float, float], abreast: int) -> None:
    """The panels of a block from its left upper ``corner`` on, in inches; names stand left of it."""
    page_width, page_height = figure.get_size_inches()
    left, top = corner
    figure.text(MARGIN / page_width, top / page_height, block.title, va="top", **text_style(TITLE, INK, "bold"))
    top -= line_height(TITLE) + 0.08
    for line in _lines_of_panels(block, abreast):
        height = _rows_height(block, len(colours))
        top -= _title_height(line)
        for k, (panel, title) in enumerate(zip(line, _titles(line), strict=True)):
            place = (left + k * (PANEL_WIDTH + PANEL_GAP), top - height, PANEL_WIDTH, height)
            axes = figure.add_axes((place[0] / page_width, place[1] / page_height, place[2] / page_width, place[3] / page_height))
            axes.set_title("\n".join(title), loc="left", pad=4, **text_style(TITLE, INK))
            _draw_panel(axes, block, panel, colours, named=k == 0)
        top -= height + TICKS + BLOCK_GAP / 2


def _draw_panel(axes: Axes, block: BoxBlock, panel: BoxPanel, colours: Mapping[str, Any], named: bool) -> None:
    """Rows from top to bottom, every second one on shaded ground, and in each a line for each level; y counts inches downwards."""
    step = len(colours) * BOX_HEIGHT + ROW_SPACE
    drawn: list[tuple[Box, float, Any]] = []
    for k, row in enumerate(block.rows):
        if k % 2 == 0:
            axes.axhspan(k * step, (k + 1) * step, facecolor=SHADE, edgecolor="none", zorder=0)
        for j, level in enumerate(colours):
            box = panel.boxes.get(row, {}).get(level)
            if box is not None:
                drawn.append((box, k * step + ROW_SPACE / 2 + (j + 0.5) * BOX_HEIGHT, colours[level]))
        if named:
            null = row in block.nulls
            shown = "\n".join(wrap_text(f"({row})" if null else row, WIDEST_NAME, NAMES)[: max(1, ceil(step / line_height(NAMES)))])
            style = text_style(NAMES, FAINT if null else INK)
            place, frame = (0, (k + 0.5) * step), ("axes fraction", "data")
            axes.annotate(shown, place, (-5, 0), frame, "offset points", ha="right", va="center", **style)
    if drawn:
        _draw_boxes(axes, *zip(*drawn, strict=True))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="x", labelsize=LABELS, labelfontfamily=FAMILY, colors=FAINT, length=2, pad=2)
    axes.grid(axis="x", linewidth=0.4, color="#c9ced6", zorder=0.5)
    axes.margins(x=0.03)
    axes.use_sticky_edges = False  # boxes at the end of a scale would leave no margin there
    axes.set(ylim=(len(block.rows) * step, 0), yticks=[])
    for side, spine in axes.spines.items():
        spine.set(visible=side == "bottom", linewidth=0.5, edgecolor="#9aa3ad")


def _draw_boxes(axes: Axes, boxes: Sequence[Box], places: Sequence[float], colours: Sequence[Any]) -> None:
    """All boxes of a panel at once, each part of them one artist where that can be: figures have thousands of boxes."""
    y, half = np.asarray(places), 0.38 * BOX_HEIGHT
    lower, upper = np.asarray([box.lower_quartile for box in boxes]), np.asarray([box.upper_quartile for box in boxes])
    median, mean = np.asarray([box.median for box in boxes]), np.asarray([box.mean for box in boxes])
    for whisker, quartile in (("lower_whisker", lower), ("upper_whisker", upper)):
        end = np.asarray([getattr(box, whisker) for box in boxes])
        axes.hlines(y, end, quartile, colors=INK, linewidths=0.7, zorder=2)
        axes.vlines(end, y - half / 2, y + half / 2, colors=INK, linewidths=0.7, zorder=2)
    axes.barh(y, upper - lower, 2 * half, lower, color=colours, edgecolor=INK, linewidth=0.6, zorder=3)
    for width, ink in ((2.2, "white"), (1.1, "black")):  # seen on dark boxes and on light ones
        axes.vlines(median, y - half, y + half, colors=ink, linewidths=width, zorder=4)
    known = [(place, box.low, box.high) for place, box in zip(places, boxes, strict=True) if box.low is not None and box.high is not None]
    held, low, high = np.asarray(known, dtype=np.float64).reshape(-1, 3).T
    for width, ink in ((2.6, "white"), (1.3, "black")):
        axes.hlines(held, low, high, colors=ink, linewidths=width, zorder=5)
    axes.plot(mean, y, "o", markersize=2.6, markerfacecolor="white", markeredgecolor="black", markeredgewidth=0.6, zorder=6)


def _legend_entries(by: str, colours: Mapping[str, Any]) -> list[OffsetBox]:
    """What levels are of, each level's colour, and what the parts of a box are."""
    found: list[OffsetBox] = [TextArea(f"{by}:", textprops=text_style(LABELS, INK, "bold"))]
    for level, colour in colours.items():
        patch = DrawingArea(14, 7)
        patch.add_artist(Rectangle((0, 0), 14, 7, facecolor=colour, edgecolor=INK, linewidth=0.5))
        found.append(_entry(patch, TextArea(level, textprops=text_style(LABELS, INK))))
    said = "box: quartiles and median; whiskers: farthest score within 1.5 times the quartiles' distance; dot: mean, with its interval"
    return [*found, TextArea(said, textprops=text_style(LABELS, FAINT))]


def _entry(*parts: OffsetBox) -> OffsetBox:
    children: list[Any] = list(parts)
    return HPacker(children=children, align="center", pad=0, sep=72 * SPACE * min(1.0, BETWEEN))
