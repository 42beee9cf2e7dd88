"""Legends of colours: small strips with words on both sides, in as many lines as it takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import DrawingArea, HPacker, OffsetBox, OffsetImage, TextArea
from matplotlib.patches import Rectangle

from harness.figures.colours import PERCENTILE, to_rgba
from harness.figures.text_layout import text_style

SIZE = 7.5
FAINT = "#5f6773"
SPACE, BETWEEN, LINE = 0.08, 0.35, 0.22  # inches between words and strip, between entries, and of a line's height
STRIP_STEPS, STRIP_WIDTH = 256, 79.0  # colours, points


def legend_entries(signed: bool, unsigned: bool, outline: str | None) -> list[OffsetBox]:
    """The entries for a figure with maps of these kinds, and with a mask outlined in a colour."""
    found = []
    if signed:
        found.append(_entry("evidence against", _colour_strip(signed=True), "evidence for"))
    if unsigned:
        found.append(_entry("least evidence", _colour_strip(signed=False), "most evidence"))
    if outline is not None:
        line = DrawingArea(18, 2.2)
        line.add_artist(Rectangle((0, 0), 18, 2.2, facecolor=outline, edgecolor="none"))
        found.append(_entry(line, "ground truth"))
    if signed or unsigned:
        found.append(_entry(f"full colour: each map's {PERCENTILE:g}th percentile"))
    return found


def flow_into_lines(entries: Sequence[OffsetBox], width: float, figure: Figure) -> tuple[list[OffsetBox], float]:
    """The entries in lines of at most ``width`` inches, one that is wider on its own; and the width of the widest entry."""
    lines: list[list[Artist]] = []
    widest = room = 0.0
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    for entry in entries:
        entry.set_figure(figure)
        own = entry.get_bbox(renderer).width / figure.dpi
        widest = max(widest, own)
        room -= BETWEEN + own
        if room < 0:
            lines.append([])
            room = width - own
        lines[-1].append(entry)
    return [HPacker(children=line, align="center", pad=0, sep=72 * BETWEEN) for line in lines], widest


def _entry(*parts: OffsetBox | str) -> OffsetBox:
    boxes: list[Artist] = [TextArea(part, textprops=text_style(SIZE, FAINT)) if isinstance(part, str) else part for part in parts]
    return HPacker(children=boxes, align="center", pad=0, sep=72 * SPACE)


def _colour_strip(signed: bool) -> OffsetBox:
    """The colours of a scale over white."""
    scale = np.linspace(-1 if signed else 0, 1, STRIP_STEPS)[None].repeat(STRIP_STEPS // 11, axis=0)
    colours = to_rgba(scale, signed, 1.0)
    return OffsetImage(colours[..., 3:] * colours[..., :3] + (1 - colours[..., 3:]), zoom=STRIP_WIDTH / STRIP_STEPS)
