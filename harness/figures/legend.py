"""What the colours mean: small strips with words on both sides, in as many lines as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from harness.figures.colours import PERCENTILE, Floats, to_rgba
from harness.figures.text_layout import text_width

SIZE = 7.5
STRIP = (1.1, 0.1)
SPACE = 0.08
BETWEEN = 0.35
LINE = 0.22


class LegendItem(NamedTuple):
    """One entry: words, a strip of colours ``(1, N, 3)`` or a line's colour between them, words."""

    before: str
    strip: Floats | str | None
    after: str

    @property
    def strip_width(self) -> float:
        """Inches that the strip or line takes."""
        return 0.0 if self.strip is None else 0.25 if isinstance(self.strip, str) else STRIP[0]

    @property
    def width(self) -> float:
        """Inches from the first word to the last."""
        words = [text_width(text, SIZE) + SPACE for text in (self.before, self.after) if text]
        return sum(words) + self.strip_width - (SPACE if self.strip is None else 0)


def legend_items(signed: bool, unsigned: bool, outline: str | None) -> list[LegendItem]:
    """The entries for a figure with maps of these kinds, and with a mask outlined in a colour."""
    found = []
    if signed:
        found.append(LegendItem("evidence against", colour_strip(signed=True), "evidence for"))
    if unsigned:
        found.append(LegendItem("no evidence", colour_strip(signed=False), "most evidence"))
    if outline is not None:
        found.append(LegendItem("", outline, "ground truth"))
    if signed or unsigned:
        found.append(LegendItem(f"full colour: each map's {PERCENTILE:g}th percentile", None, ""))
    return found


def colour_strip(signed: bool, steps: int = 256) -> Floats:
    """The colours of a scale over white: RGB ``(1, steps, 3)``."""
    colours = to_rgba(np.linspace(-1 if signed else 0, 1, steps)[None], signed, 1.0)
    return colours[..., 3:] * colours[..., :3] + (1 - colours[..., 3:])


def flow_into_lines(entries: Sequence[LegendItem], width: float) -> list[list[LegendItem]]:
    """The entries in lines of at most ``width`` inches; one that is wider has a line of its own."""
    lines: list[list[LegendItem]] = []
    used = 0.0
    for entry in entries:
        if lines and used + BETWEEN + entry.width <= width:
            lines[-1].append(entry)
            used += BETWEEN + entry.width
        else:
            lines.append([entry])
            used = entry.width
    return lines
