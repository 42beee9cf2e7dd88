"""The surface of the procedural brain and the sulci that fold it, as curves in millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness_lesions import exact

Field = NDArray[np.floating]
Generator = np.random.Generator

HALF_WIDTH, HALF_LENGTH = 66.0, 81.0
STEP = 0.5
"""Distance between the points of a curve."""


@dataclass(frozen=True)
class Outline:
    """A closed curve around the origin: its ``radius`` at an angle, an oval that is narrower in front, with small bumps."""

    half_width: float
    half_length: float
    taper: float
    bumps: Field

    @classmethod
    def drawn(cls, height: float, generator: Generator) -> Outline:
        """One brain's outline; a slice nearer to the top (``height`` 1) is smaller."""
        shrink = 1 - 0.10 * height**2
        width = HALF_WIDTH * shrink * generator.normal(1, 0.02)
        length = HALF_LENGTH * shrink * generator.normal(1, 0.02)
        orders = np.arange(2, 8)
        return cls(width, length, generator.uniform(0.02, 0.06), generator.normal(0, 0.012, (2, 6)) / np.sqrt(orders))

    def radius(self, angle: Field | float) -> Field:
        """Distance of the curve from the origin, in millimetres, at each angle in [-π, 2π] (0 points right, π/2 to the front)."""
        return np.interp(angle, *self._table)

    @cached_property
    def _table(self) -> tuple[Field, Field]:
        angle = np.linspace(-np.pi, 2 * np.pi, 1081)
        cos, sin = exact.cos(angle), exact.sin(angle)
        across, along = exact.power(np.abs(cos / self.half_width), 2.2), exact.power(np.abs(sin / self.half_length), 2.2)
        oval = exact.power(across + along, -1 / 2.2)
        waves = sum(a * exact.cos(n * angle) + b * exact.sin(n * angle) for n, (a, b) in enumerate(self.bumps.T, start=2))
        return angle, oval * (1 - 2 * self.taper * np.clip(sin, 0, 1) * np.abs(cos) + waves)


def sulci(outline: Outline, height: float, generator: Generator) -> Field:
    """Points ``(N, 3)`` on all sulci: x, y and half the width there, in millimetres."""
    curves = [*folds(outline, generator), *fissure(outline, height, generator)]
    if height < 0.65:
        curves += [sylvian(outline, side, generator) for side in (0.0, np.pi)]
    return np.concatenate(curves)


def folds(outline: Outline, generator: Generator) -> list[Field]:
    """Sulci that begin on the surface every 8 mm or so and meander inwards; the long ones branch."""
    angles = np.cumsum(generator.uniform(0.085, 0.15, 80))
    curves = []
    for angle in angles[angles < 2 * np.pi - 0.05]:
        if abs(exact.cos(angle)) < 0.08:
            continue
        start = outline.radius(angle) * np.array([exact.cos(angle), exact.sin(angle)])
        heading = angle + np.pi + generator.normal(0, 0.3)
        length = generator.choice([generator.uniform(6, 10), generator.uniform(11, 17), generator.uniform(17, 27)])
        stem = walk(start, heading, length, generator)
        curves.append(stem)
        if length > 10 and generator.random() < 0.8:
            at = int(len(stem) * generator.uniform(0.6, 1.0)) - 1
            for sign in generator.permutation([-1, 1])[: generator.integers(1, 3)]:
                curves.append(walk(stem[at, :2], heading + sign * generator.uniform(0.9, 1.5), generator.uniform(5, 10), generator))
    return curves


def fissure(outline: Outline, height: float, generator: Generator) -> list[Field]:
    """The cleft between the hemispheres, open in the middle where the corpus callosum crosses, with the sulci beside it."""
    front, back = (float(outline.radius(angle)) for angle in (np.pi / 2, -np.pi / 2))
    gap = max(0.0, 36 - 60 * max(0.0, height - 0.45))
    curves = [
        walk(np.array([0.0, front]), -np.pi / 2, front - gap, generator, meander=0.12, bend=0.0015),
        walk(np.array([0.0, -back]), np.pi / 2, back - gap - 4, generator, meander=0.12, bend=0.0015),
    ]
    for curve in list(curves):
        curve[:, 2] += 0.35
        for at in np.arange(int(generator.uniform(14, 26)), len(curve), int(generator.uniform(17, 27))):
            side = generator.choice([-1, 1])
            for sign in (side, -side)[: generator.integers(1, 3)]:
                heading = (0.0 if sign > 0 else np.pi) + generator.normal(0, 0.35)
                curves.append(walk(curve[at, :2], heading, generator.uniform(6, 15), generator))
    return curves


def sylvian(outline: Outline, side: float, generator: Generator) -> Field:
    """The lateral fissure of one side (angle 0 or π), which opens onto the insula."""
    inward = 1.0 if side else -1.0
    angle = generator.uniform(0.05, 0.3) if side == 0 else np.pi - generator.uniform(0.05, 0.3)
    start = outline.radius(angle) * np.array([exact.cos(angle), exact.sin(angle)])
    stem = walk(start, side + np.pi - inward * generator.normal(0.2, 0.1), generator.uniform(17, 23), generator, meander=0.2)
    end = stem[-1, :2]
    up = walk(end, np.pi / 2 + inward * generator.uniform(-0.1, 0.4), generator.uniform(9, 15), generator, meander=0.2)
    down = walk(end, -np.pi / 2 - inward * generator.uniform(-0.1, 0.4), generator.uniform(10, 17), generator, meander=0.2)
    curve = np.concatenate([stem, up, down])
    curve[:, 2] += 0.5
    return curve


def walk(start: Field, heading: float, length: float, generator: Generator, meander: float = 0.45, bend: float = 0.03) -> Field:
    """A curve ``(N, 3)`` from ``start`` that bends (radians per mm) and meanders (radians); its width falls towards its end."""
    along = np.arange(STEP, max(length, 2 * STEP), STEP)
    wave = meander * exact.sin(2 * np.pi * (along / generator.uniform(9, 17) + generator.random()))
    angles = heading + wave - wave[0] + generator.normal(0, bend) * along
    points = start + np.cumsum(np.stack([exact.cos(angles), exact.sin(angles)], axis=1) * STEP, axis=0)
    return np.column_stack([points, np.linspace(generator.uniform(0.5, 1.1), 0.15, len(along))])
