"""Figures of ellipses and convex polygons, on a grid of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.api import exact

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Point = tuple[float, float]


@dataclass(frozen=True)
class Ellipse:
    """An ellipse with its axes along x and y."""

    centre: Point
    radii: Point

    def covers(self, x: Floats, y: Floats) -> Bools:
        """Which points lie in it."""
        return ((x - self.centre[0]) / self.radii[0]) ** 2 + ((y - self.centre[1]) / self.radii[1]) ** 2 <= 1


@dataclass(frozen=True)
class Polygon:
    """A convex polygon, its corners in either sense of turning."""

    corners: Sequence[Point]

    def covers(self, x: Floats, y: Floats) -> Bools:
        """Which points lie in it: on the same side of all edges."""
        edges = zip(self.corners, [*self.corners[1:], self.corners[0]], strict=True)
        sides = [(x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for (x0, y0), (x1, y1) in edges]
        return np.logical_and.reduce([side >= 0 for side in sides]) | np.logical_and.reduce([side <= 0 for side in sides])


Figure: TypeAlias = Sequence[Ellipse | Polygon]


def covered(figure: Figure, x: Floats, y: Floats) -> Bools:
    """Which points lie in any of a figure's shapes."""
    return np.logical_or.reduce([shape.covers(x, y) for shape in figure])


def rectangle(left: float, bottom: float, right: float, top: float) -> Polygon:
    """The polygon of a rectangle."""
    return Polygon([(left, bottom), (right, bottom), (right, top), (left, top)])


@dataclass(frozen=True)
class Pose:
    """The place of an object, its size, its turn, and which way it looks.

    Attributes:
        centre: x and y, in units of the canvas's side from its middle, y upwards.
        scale: units of the canvas's side per unit of the object.
        turn: radians, against the clock.
        mirrored: whether it looks to the left.
    """

    centre: Point = (0.0, 0.0)
    scale: float = 1.0
    turn: float = 0.0
    mirrored: bool = False

    def points(self, side: int) -> tuple[Floats, Floats]:
        """The centres of a canvas's pixels in the object's own coordinates, x and y ``(side, side)`` each."""
        across = (np.arange(side) + 0.5) / side - 0.5
        right, up = (across[None] - self.centre[0]) / self.scale, (-across[:, None] - self.centre[1]) / self.scale
        sine, cosine = (float(part) for part in exact.sin_cos(self.turn))  # the same bits on any kernel
        x, y = cosine * right + sine * up, cosine * up - sine * right
        return (-x if self.mirrored else x), y
