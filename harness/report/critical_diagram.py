"""Critical-difference diagrams (Demšar 2006, figure 1) as SVG: mean ranks on an axis, and bars over those that cannot be told apart."""

from __future__ import annotations

from collections.abc import Set
from math import floor

from markupsafe import Markup, escape

from harness.leaderboard.number_format import printable
from harness.results.document import Critical

WIDTH, SIDE, ROW, TOP = 780, 215, 19, 62
"""Pixels: the whole, the room for names on either side, a name's line, and what is above the axis."""
BAR_GAP = 8
LABEL_LENGTH = 26


def draw_critical_diagram(found: Critical, nulls: Set[str] = frozenset()) -> Markup:
    """The diagram of one metric, the best on the left; names of ``nulls`` are in italics."""
    names = sorted(found.mean_ranks, key=lambda label: found.mean_ranks[label])
    last = len(names)
    difference = found.difference or 0.0

    def place(rank: float) -> float:
        return SIDE + (rank - 1) / max(last - 1, 1) * (WIDTH - 2 * SIDE)

    bars = [clique for clique in found.cliques if len(clique) > 1]
    below = TOP + 12 + BAR_GAP * len(bars)
    left, right = names[: (last + 1) // 2], names[(last + 1) // 2 :]
    parts = [_line("axis", place(1), TOP, place(last), TOP)]
    for rank in range(1, last + 1, 1 + floor(last / 16)):
        parts += [_line("axis", place(rank), TOP - 5, place(rank), TOP), _text(place(rank), TOP - 10, str(rank), "middle")]
    parts += _measure(place(1), place(1 + difference))
    for k, clique in enumerate(bars):
        ends = [found.mean_ranks[clique[0]], found.mean_ranks[clique[-1]]]
        y = TOP + 8 + BAR_GAP * k
        parts.append(_line("clique", place(min(ends)) - 4, y, place(max(ends)) + 4, y))
    for side, labels in (("end", left), ("start", right[::-1])):
        for k, label in enumerate(labels):
            y = below + ROW * (k + 1)
            x = place(found.mean_ranks[label])
            inner = SIDE - 14 if side == "end" else WIDTH - SIDE + 14
            parts.append(f'<polyline class="leader" points="{x:.1f},{TOP} {x:.1f},{y - 4:g} {inner:g},{y - 4:g}"/>')
            name = f"{printable(label, LABEL_LENGTH)}  {found.mean_ranks[label]:.2f}"
            parts.append(_text(inner - 6 if side == "end" else inner + 6, y, name, side, "null-name" if label in nulls else "name"))
    height = below + ROW * max(len(left), len(right)) + 12
    title = "Mean ranks: " + ", ".join(f"{printable(label)} {found.mean_ranks[label]:.2f}" for label in names)
    head = f'<svg class="critical" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
    return Markup(f"{head}{''.join(parts)}</svg>")


def _measure(start: float, end: float) -> list[str]:
    """The critical difference as a length above the axis."""
    y = 20
    ends = [_line("axis", x, y - 4, x, y + 4) for x in (start, min(end, WIDTH - SIDE))]
    return [_line("axis", start, y, min(end, WIDTH - SIDE), y), *ends, _text(start, y - 8, "critical difference", "start")]


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:g}" x2="{x2:.1f}" y2="{y2:g}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
