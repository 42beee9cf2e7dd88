"""Curves that bend and branch, many at once, and what they leave on an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.api import exact
from harness_phantoms.fields import Canvas, Field, Generator, blurred

Floats = NDArray[np.float64]
POINTS = 24
"""Points of a curve; one that leaves another has half as many, as it is shorter."""
ROOT_OF_TWO_PI = 2.5066282746310002


@dataclass(frozen=True, eq=False)
class Curves:
    """N curves of P points: places ``(N, P, 2)`` (x, y), headings there ``(N, P)`` in radians, and how far apart points are ``(N,)``."""

    places: Floats
    headings: Floats
    steps: Floats

    @classmethod
    def drawn(
        cls, starts: Floats, headings: Floats, lengths: Floats, generator: Generator, bend: float, meander: float, points: int = POINTS
    ) -> Curves:
        """Curves from ``starts`` ``(N, 2)``; ``bend`` and ``meander`` are the spreads (radians) of the turn over all, and of two swings."""
        along, slow, fast = _waves(points)
        turn, swing = generator.normal(0, bend, (len(starts), 1)), generator.normal(0, meander, (2, len(starts), 1))
        heading = headings[:, None] + turn * along + swing[0] * slow + swing[1] * fast
        sine, cosine = exact.sin_cos(heading)
        steps = lengths / (points - 1)
        moves = np.stack([cosine, sine], axis=-1) * steps[:, None, None]
        return cls(starts[:, None] + np.cumsum(moves, axis=1) - moves[:, :1], heading, steps)

    def branched(self, each: int, lengths: Floats, generator: Generator, spread: float, bend: float, meander: float) -> Curves:
        """``each`` curves from every one, to either side; the last from its end.

        ``lengths`` ``(N,)`` are about twice the length of those that leave each; they turn off by about ``spread`` (radians).
        """
        count, points = self.headings.shape
        at = generator.integers(points // 4, points, (count, each))
        at[:, -1] = points - 1
        parent = np.repeat(np.arange(count), each)
        side = np.where(np.arange(each) % 2 == 0, 1.0, -1.0) * generator.choice([-1.0, 1.0], (count, 1))
        headings = self.headings[parent, at.ravel()] + side.ravel() * generator.uniform(0.4, 1.0, len(parent)) * spread
        lengths = lengths[parent] * generator.uniform(0.45, 0.8, len(parent))
        return Curves.drawn(self.places[parent, at.ravel()], headings, lengths, generator, bend, meander, POINTS // 2)


@cache
def _waves(points: int) -> tuple[Floats, Floats, Floats]:
    """At each point the share of the curve that lies behind, and two swings."""
    along = np.linspace(0, 1, points)
    return along, exact.sin(2 * np.pi * along), exact.sin(4.4 * np.pi * along)


def traces(canvas: Canvas, curves: Curves, weights: tuple[float, float], sigma: float) -> Field:
    """Traces of curves on a canvas ``(H, W)``: a weight along the middle of each, which falls off to the sides by a Gaussian of ``sigma``.

    Where curves cross, they add up. ``weights`` are those at the beginning and at the end.
    """
    height, width = canvas.x.shape
    points = curves.headings.shape[1]
    parts = max(1, round(float(curves.steps.max()) * canvas.pixels / 2))  # so many that none is much longer than a pixel
    part = (np.arange(parts) + 0.5) / parts
    share = (np.arange(points - 1)[:, None] + part) / (points - 1)
    places = curves.places[:, :-1, None] + part[:, None] * np.diff(curves.places, axis=1)[:, :, None]
    across = (places[..., 0] + 1) / 2 * canvas.pixels - 0.5 - canvas.columns.start
    down = (1 - places[..., 1]) / 2 * canvas.pixels - 0.5 - canvas.rows.start
    amounts = (curves.steps * (canvas.pixels / 2 / parts))[:, None, None] * (weights[0] + (weights[1] - weights[0]) * share)
    inside = (across >= 0) & (across < width - 1) & (down >= 0) & (down < height - 1)
    across, down, amounts = across[inside], down[inside], amounts[inside]
    column, row = across.astype(np.intp), down.astype(np.intp)
    right, low = across - column, down - row
    place = row * width + column
    found = np.zeros(height * width)
    for shift, its in ((0, (1 - right) * (1 - low)), (1, right * (1 - low)), (width, (1 - right) * low), (width + 1, right * low)):
        found += np.bincount(place + shift, its * amounts, minlength=height * width)
    pixels = sigma / 2 * canvas.pixels
    return blurred(found.reshape(height, width).astype(np.float32), pixels) * np.float32(ROOT_OF_TWO_PI * pixels)
