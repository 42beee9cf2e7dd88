"""An image with its explanations side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.figures.colours import Array, is_signed
from harness.figures.layout import columns_per_row, group_spans, panel_positions, panel_size
from harness.figures.legend import legend_entries
from harness.figures.overlay import overlay, to_float_rgb
from harness.figures.page import TITLE, make_page
from harness.figures.text_layout import FAMILY, wrap_text

OUTLINE = "#39ff14"
EMPTY_MAP_NOTE = "0 everywhere"


@dataclass(frozen=True)
class PanelMap:
    """One explanation to draw.

    Attributes:
        title: drawn above, whole, on as many lines as it takes.
        map: ``(h, w)``, of any size; larger is more evidence for the target.
        signed: negative values are evidence against the target.
        group: neighbours of one group stand on a shaded ground under its name (a composed explainer's parts, and what it made of them).
    """

    title: str
    map: Array
    signed: bool
    group: str | None = None


def draw_panels(image: Array, maps: Sequence[PanelMap], *, caption: str = "", mask: Array | None = None) -> Figure:
    """The image, and every map over it in grey.

    Args:
        image: ``(H, W, 3)``, ``(H, W, 1)`` or ``(H, W)``; uint8, or float in [0, 1].
        maps: in the order in which they are drawn, in as many rows as it takes.
        caption: over the image: what was predicted, how surely, and what is explained.
        mask: ``(H, W)`` bool, outlined in every panel: where the evidence is known to be.

    Returns:
        A figure that belongs to no pyplot state; `to_png` makes a file of it.

    Raises:
        ValueError: for other shapes, or a map with values that are not finite.
    """
    picture = to_float_rgb(image)
    if mask is not None and np.shape(mask) != picture.shape[:2]:
        raise ValueError(f"a mask of {np.shape(mask)} for an image of {picture.shape[:2]}")
    groups = [None, *(each.group for each in maps)]
    largest = max(len(list(members)) if name is not None else 1 for name, members in groupby(groups))
    size = panel_size(picture.shape[0], picture.shape[1], abreast=min(largest + 1, len(groups)))
    places = panel_positions(groups, max(columns_per_row(len(groups), size[0]), columns_per_row(largest, size[0])))
    titles = [wrap_text(text, size[0], TITLE) for text in (caption, *(each.title for each in maps))]
    signs = {is_signed(each.map, each.signed) for each in maps}
    legend = legend_entries(True in signs, False in signs, None if mask is None else OUTLINE)
    figure, panels = make_page(places, titles, group_spans(places, groups), size, legend)
    for axes, each in zip(panels, (None, *maps), strict=True):
        shown = picture if each is None else overlay(picture, each.map, each.signed)
        axes.imshow(shown, interpolation="auto", aspect="auto")
        if each is not None and not np.any(each.map):
            _write_note(axes, EMPTY_MAP_NOTE)
        if mask is not None:
            _draw_outline(axes, np.asarray(mask, dtype=bool))
    return figure


def _write_note(axes: Axes, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2}
    axes.text(0.5, 0.5, text, size=7.5, family=FAMILY, bbox=box, transform=axes.transAxes, ha="center", va="center")


def _draw_outline(axes: Axes, mask: Array) -> None:
    """The border of a mask along its pixels, bright on dark so that it is seen on any ground; the view stays the image's."""
    padded = np.pad(mask, 1).astype(float)
    rows, cols = (np.arange(-1, length + 1) for length in mask.shape)
    view = axes.get_xlim(), axes.get_ylim()
    for width, colour in ((1.8, "#000000"), (0.9, OUTLINE)):
        axes.contour(cols, rows, padded, levels=[0.5], colors=[colour], linewidths=[width])
    axes.set_xlim(view[0])
    axes.set_ylim(view[1])
