"""Intervals drawn in the cells of a table: one scale for each column, and the null's line through all of its rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 104, 30, 6
LOG_RATIO = 300.0
"""Positive numbers whose greatest is so many times the least are drawn on a logarithmic scale."""


@dataclass(frozen=True)
class StripScale:
    """A scale from ``low`` to ``high`` over the width of a strip."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Pixels from the left; what is outside stands at the edge."""
        low, high, here = (math.log10(max(x, self.low)) if self.logarithmic else x for x in (self.low, self.high, value))
        share = 0.5 if high == low else (here - low) / (high - low)
        return MARGIN + min(max(share, 0.0), 1.0) * (WIDTH - 2 * MARGIN)


SKILL_SCALE = StripScale(0.0, 1.0)


def strip_scale(numbers: Iterable[float | None]) -> StripScale:
    """The scale that holds all of these numbers; of none it is from 0 to 1."""
    known = sorted(number for number in numbers if number is not None and math.isfinite(number))
    if not known:
        return SKILL_SCALE
    return StripScale(known[0], known[-1], known[0] > 0 and known[-1] > LOG_RATIO * known[0])


def draw_strip(
    scale: StripScale, value: float | None, low: float | None, high: float | None, null: float | None, *, hollow: bool = False
) -> Markup:
    """SVG of a value with its interval, over the line of the null; a ``hollow`` point is one that is not shown to beat every null."""
    parts = [] if null is None else [_line("null-line", scale.place(null), scale.place(null), 0, HEIGHT)]
    if value is not None:
        middle = HEIGHT / 2
        if low is not None and high is not None:
            parts.append(_line("interval", scale.place(low), scale.place(high), middle, middle))
        kind = "point hollow" if hollow else "point"
        parts.append(f'<circle class="{kind}" cx="{scale.place(value):.1f}" cy="{middle:g}" r="3.6"/>')
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return Markup(f'<svg class="strip" {size} aria-hidden="true">{"".join(parts)}</svg>')


def _line(kind: str, x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:g}" y2="{y2:g}"/>'
