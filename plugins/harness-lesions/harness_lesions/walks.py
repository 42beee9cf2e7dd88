"""Curves that bend and meander: first their random numbers are drawn, curve by curve, then all are traced at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.api import exact

Field = NDArray[np.floating]
Generator = np.random.Generator

STEP = 0.5
"""Distance between the points of a curve, in millimetres."""
END_WIDTH = 0.15


@dataclass(frozen=True, eq=False)
class Walk:
    """A curve before it is traced.

    Attributes:
        start: where it begins (x, y in mm), or the curve that it leaves and at which of its points.
        heading: where to (radians).
        points: how many it has.
        meander: how far its heading swings (radians).
        swing, phase: the length of a swing (mm), and where in one it begins (turns).
        bend: how much it bends (radians per mm).
        width: half of its width (mm) at the beginning, which falls towards the end.
        wider: what is added to that (mm) everywhere.
    """

    start: Field | tuple[Walk, int]
    heading: float
    points: int
    meander: float
    swing: float
    phase: float
    bend: float
    width: float
    wider: float

    @classmethod
    def drawn(
        cls,
        start: Field | tuple[Walk, int],
        heading: float,
        length: float,
        generator: Generator,
        meander: float = 0.45,
        bend: float = 0.03,
        wider: float = 0.0,
    ) -> Walk:
        """A curve of a length (mm) with random numbers of its own; ``bend`` is the spread of its bend."""
        points = int(np.ceil((max(length, 2 * STEP) - STEP) / STEP))
        swing, phase, bent = generator.uniform(9, 17), generator.random(), generator.normal(0, bend)
        return cls(start, heading, points, meander, swing, phase, bent, generator.uniform(0.5, 1.1), wider)


def traced(walks: Sequence[Walk]) -> list[Field]:
    """Points ``(N, 3)`` of each curve: x, y and half the width there, in millimetres. A curve that others leave is among the curves."""
    found: dict[Walk, Field] = {}
    while len(found) < len(walks):
        ready = [walk for walk in walks if walk not in found and (not isinstance(walk.start, tuple) or walk.start[0] in found)]
        starts = [found[walk.start[0]][walk.start[1], :2] if isinstance(walk.start, tuple) else walk.start for walk in ready]
        found.update(zip(ready, _traced_from(starts, ready), strict=True))
    return [found[walk] for walk in walks]


def _traced_from(starts: Sequence[Field], walks: Sequence[Walk]) -> list[Field]:
    """The curves from where each begins: all points in one row of arrays, as an operation on few takes as long as on many."""
    counts = np.array([walk.points for walk in walks])
    firsts = np.cumsum(counts) - counts
    place = np.arange(counts.sum()) - np.repeat(firsts, counts)

    def each(values: Sequence[float] | Field) -> Field:
        return np.repeat(np.asarray(values, dtype=np.float64), counts)

    along = STEP * (place + 1)
    turns = along / each([walk.swing for walk in walks]) + each([walk.phase for walk in walks])
    wave = each([walk.meander for walk in walks]) * exact.sin(2 * np.pi * turns)
    heading = each([walk.heading for walk in walks]) + wave - each(wave[firsts]) + each([walk.bend for walk in walks]) * along
    sine, cosine = exact.sin_cos(heading)
    steps = np.stack([cosine, sine], axis=1) * STEP
    width = np.array([walk.width for walk in walks])
    fall = (END_WIDTH - width) / np.maximum(counts - 1, 1)
    widths = place * each(fall) + each(width)
    widths[(firsts + counts - 1)[counts > 1]] = END_WIDTH
    widths += each([walk.wider for walk in walks])
    curves = zip(starts, firsts, firsts + counts, strict=True)
    return [np.column_stack([start + np.cumsum(steps[a:b], axis=0), widths[a:b]]) for start, a, b in curves]
