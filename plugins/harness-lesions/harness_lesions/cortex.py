"""The surface of the procedural brain and the sulci that fold it, as curves in millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from harness.api import exact
from harness_lesions.walks import Walk, traced

Field = NDArray[np.floating]
Generator = np.random.Generator

HALF_WIDTH, HALF_LENGTH = 66.0, 81.0


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

    @classmethod
    def of(cls, half_width: float, half_length: float, generator: Generator) -> Outline:
        """The outline of a brain of about this size in another plane, with the same bumps."""
        orders = np.arange(2, 8)
        width, length = half_width * generator.normal(1, 0.02), half_length * generator.normal(1, 0.02)
        return cls(width, length, generator.uniform(0.0, 0.03), generator.normal(0, 0.012, (2, 6)) / np.sqrt(orders))

    def radius(self, angle: Field | float) -> Field:
        """Distance of the curve from the origin, in millimetres, at each angle in [-π, 2π] (0 points right, π/2 to the front)."""
        return np.interp(angle, *self._table)

    @cached_property
    def _table(self) -> tuple[Field, Field]:
        angle, harmonics = angles()
        sin, cos = harmonics[0]
        across, along = exact.power(np.abs(cos / self.half_width), 2.2), exact.power(np.abs(sin / self.half_length), 2.2)
        oval = exact.power(across + along, -1 / 2.2)
        waves = sum(a * cosine + b * sine for (sine, cosine), (a, b) in zip(harmonics[1:], self.bumps.T, strict=True))
        return angle, oval * (1 - 2 * self.taper * np.clip(sin, 0, 1) * np.abs(cos) + waves)


@cache
def angles() -> tuple[Field, list[tuple[Field, Field]]]:
    """The angles at which an outline is known, and sine and cosine of 1 to 7 times these."""
    angle = np.linspace(-np.pi, 2 * np.pi, 1081)
    return angle, [exact.sin_cos(n * angle) for n in range(1, 8)]


def sulci(outline: Outline, height: float, generator: Generator) -> Field:
    """Points ``(N, 3)`` on all sulci: x, y and half the width there, in millimetres."""
    walks = [*folds(outline, generator), *fissure(outline, height, generator)]
    if height < 0.65:
        walks += [walk for side in (0.0, np.pi) for walk in sylvian(outline, side, generator)]
    return np.concatenate(traced(walks))


def folds(outline: Outline, generator: Generator) -> list[Walk]:
    """Sulci that begin on the surface every 8 mm or so and meander inwards; the long ones branch."""
    angles = np.cumsum(generator.uniform(0.085, 0.15, 80))
    angles = angles[angles < 2 * np.pi - 0.05]
    sines, cosines = exact.sin_cos(angles)
    starts = outline.radius(angles)[:, None] * np.stack([cosines, sines], axis=1)
    walks = []
    for angle, start in zip(angles[np.abs(cosines) >= 0.08], starts[np.abs(cosines) >= 0.08], strict=True):
        heading = angle + np.pi + generator.normal(0, 0.3)
        length = generator.choice([generator.uniform(6, 10), generator.uniform(11, 17), generator.uniform(17, 27)])
        stem = Walk.drawn(start, heading, length, generator)
        walks.append(stem)
        if length > 10 and generator.random() < 0.8:
            at = int(stem.points * generator.uniform(0.6, 1.0)) - 1
            for sign in generator.permutation([-1, 1])[: generator.integers(1, 3)]:
                turned = heading + sign * generator.uniform(0.9, 1.5)
                walks.append(Walk.drawn((stem, at), turned, generator.uniform(5, 10), generator))
    return walks


def fissure(outline: Outline, height: float, generator: Generator) -> list[Walk]:
    """The cleft between the hemispheres, open in the middle where the corpus callosum crosses, with the sulci beside it."""
    front, back = (float(outline.radius(angle)) for angle in (np.pi / 2, -np.pi / 2))
    gap = max(0.0, 36 - 60 * max(0.0, height - 0.45))
    clefts = [
        Walk.drawn(np.array([0.0, front]), -np.pi / 2, front - gap, generator, meander=0.12, bend=0.0015, wider=0.35),
        Walk.drawn(np.array([0.0, -back]), np.pi / 2, back - gap - 4, generator, meander=0.12, bend=0.0015, wider=0.35),
    ]
    return [*clefts, *(walk for cleft in clefts for walk in beside(cleft, generator))]


def beside(cleft: Walk, generator: Generator) -> list[Walk]:
    """The sulci that leave an upright cleft to either side."""
    walks = []
    for at in np.arange(int(generator.uniform(14, 26)), cleft.points, int(generator.uniform(17, 27))):
        side = generator.choice([-1, 1])
        for sign in (side, -side)[: generator.integers(1, 3)]:
            heading = (0.0 if sign > 0 else np.pi) + generator.normal(0, 0.35)
            walks.append(Walk.drawn((cleft, int(at)), heading, generator.uniform(6, 15), generator))
    return walks


def sylvian(outline: Outline, side: float, generator: Generator) -> list[Walk]:
    """The lateral fissure of one side (angle 0 or π), which opens onto the insula."""
    inward = 1.0 if side else -1.0
    angle = generator.uniform(0.05, 0.3) if side == 0 else np.pi - generator.uniform(0.05, 0.3)
    start = outline.radius(angle) * np.array([exact.cos(angle), exact.sin(angle)])
    wide = {"meander": 0.2, "wider": 0.5}
    stem = Walk.drawn(start, side + np.pi - inward * generator.normal(0.2, 0.1), generator.uniform(17, 23), generator, **wide)
    up = Walk.drawn((stem, -1), np.pi / 2 + inward * generator.uniform(-0.1, 0.4), generator.uniform(9, 15), generator, **wide)
    down = Walk.drawn((stem, -1), -np.pi / 2 - inward * generator.uniform(-0.1, 0.4), generator.uniform(10, 17), generator, **wide)
    return [stem, up, down]
