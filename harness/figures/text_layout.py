"""Text that fits: measured, and broken into lines."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

FAMILY = "DejaVu Sans"
LINE_SPACING = 1.3
DPI = 300
WIDTH_MARGIN = 1.06

Weight = Literal["normal", "bold"]


def text_style(size: float, colour: str, weight: Weight = "normal") -> dict[str, Any]:
    """Style of a text of matplotlib: a family that is always there, and no mathematics in labels."""
    fixed = {"family": FAMILY, "linespacing": LINE_SPACING, "parse_math": False}
    return {"size": size, "color": colour, "weight": weight, **fixed}


def text_width(text: str, size: float, weight: Weight = "normal") -> float:
    """Width in inches of one line at ``size`` points, with room for the rounding of letters to pixels."""
    font = FontProperties(family=FAMILY, size=size, weight=weight)
    width, _, _ = _renderer().get_text_width_height_descent(text, font, ismath=False)  # type: ignore[no-untyped-call]
    return WIDTH_MARGIN * float(width) / DPI


def line_height(size: float) -> float:
    """Height in inches of a line at ``size`` points."""
    return LINE_SPACING * size / 72


def wrap_text(text: str, width: float, size: float, weight: Weight = "normal") -> list[str]:
    """``text`` as lines of at most ``width`` inches: broken at spaces, else after ``-_/``, else anywhere; newlines stay."""
    return [line for given in text.split("\n") for line in _break_line(given, width, size, weight)]


def _break_line(text: str, width: float, size: float, weight: Weight) -> list[str]:
    lines = [""]
    for piece in re.findall(r"\s+|[^\s\-_/]*[\-_/]+|[^\s\-_/]+", text):
        if text_width((lines[-1] + piece).strip(), size, weight) <= width:
            lines[-1] += piece
            continue
        if lines[-1].strip():
            lines.append("")
        for character in piece.lstrip():
            if lines[-1] and text_width(lines[-1] + character, size, weight) > width:
                lines.append("")
            lines[-1] += character
    return [line.strip() for line in lines]


@cache
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, DPI)  # type: ignore[no-untyped-call]
