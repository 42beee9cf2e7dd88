"""Scenes: a bird before a background of shapes, which can be drawn again without some of its parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from harness_mosaics.birds import BIRD, BODY, ORDER, Part
from harness_mosaics.figures import Ellipse, Polygon, Pose, covered, rectangle

Levels = NDArray[np.uint8]
Values = NDArray[np.float32]
Places = NDArray[np.intp]
FINER = 2
"""Canvas pixels along a side of an image's, of which edges are means."""
NOISE = 3.0
"""The standard deviation of a pixel's noise, in levels of 255."""
OBJECTS = (
    [Ellipse((0, 0), (0.5, 0.5))],
    [Polygon([(-0.5, -0.4), (0.5, -0.4), (0, 0.5)])],
    [rectangle(-0.5, -0.3, 0.5, 0.3)],
)
"""Shapes in the background."""


@dataclass(frozen=True)
class Scene:
    """All that is drawn of one sample, once.

    Attributes:
        background: ``(n, n, 3)`` the canvas behind the bird, n being `FINER` times the side of the image.
        layers: of each part, and of the body (None), from behind: which of the canvas's pixels it covers, as their numbers, and its colour.
        noise: ``(side, side, 3)``, added to the image.
    """

    background: Values
    layers: Sequence[tuple[Part | None, Places, Values]]
    noise: Values

    def image(self, absent: Collection[Part] = ()) -> Levels:
        """The picture ``(side, side, 3)`` without some parts; all else is the same to the last bit."""
        canvas = self.background.copy()
        pixels = canvas.reshape(-1, 3)
        for part, places, colour in self.layers:
            if part is None or part not in absent:
                pixels[places] = colour
        values = self.noise.copy()
        for row, column in product(range(FINER), repeat=2):
            values += canvas[row::FINER, column::FINER] / FINER**2
        return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def drawn_scene(variants: Mapping[Part, int], size: int, objects: int, generator: np.random.Generator) -> Scene:
    """A bird of these variants, in a pose, a light and before a background that are drawn at random."""
    across = (np.arange(size * FINER) + 0.5) / (size * FINER)
    ends = generator.uniform(110, 225, (2, 1, 1, 3))
    slope = generator.random()
    ramp = slope * across[:, None, None] + (1 - slope) * across[None, :, None]
    background = (ends[0] + ramp * (ends[1] - ends[0])).astype(np.float32)
    for _ in range(objects):
        pose = Pose(tuple(generator.uniform(-0.5, 0.5, 2)), generator.uniform(0.08, 0.25), generator.uniform(0, 2 * np.pi))
        figure = OBJECTS[generator.integers(len(OBJECTS))]
        background[covered(figure, *pose.points(size * FINER))] = generator.uniform(60, 240, 3)
    pose = Pose(
        tuple(generator.uniform(-0.06, 0.06, 2)),
        generator.uniform(0.68, 0.82),
        generator.uniform(-0.25, 0.25),
        bool(generator.random() < 0.5),
    )
    x, y = pose.points(size * FINER)
    light, plumage = generator.uniform(0.8, 1.1), generator.uniform(120, 170) + generator.uniform(-12, 12, 3)
    layers: list[tuple[Part | None, Places, Values]] = []
    for part in ORDER:
        figure, colour = (BODY, plumage) if part is None else BIRD[part][variants[part]]
        layers.append((part, np.flatnonzero(covered(figure, x, y)), (light * np.asarray(colour)).clip(0, 255).astype(np.float32)))
    return Scene(background, layers, NOISE * generator.standard_normal((size, size, 3), dtype=np.float32))
