"""A spot on the skin: where it is, its outline, and the structures that dermoscopy tells lesions apart by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.api import exact
from harness_phantoms.curves import Curves, traces
from harness_phantoms.fields import Canvas, Cells, Field, Generator, hypot, soft
from harness_phantoms.pigments import Colour, Layers

FAINTEST = 0.05
"""Shares of a lesion up to this are none."""
REACH = 1.55
"""Half of a spot's window, in its sizes."""


@dataclass(frozen=True)
class Place:
    """Place and size of a lesion: its middle, mean radius, how much it is stretched, and which way (radians)."""

    middle: tuple[float, float]
    size: float
    stretch: float
    turn: float

    @classmethod
    def drawn(cls, generator: Generator) -> Place:
        """Somewhere about the middle; the same for lesions of all classes."""
        right, up = (float(part) for part in generator.uniform(-0.16, 0.16, 2))
        return cls(
            (right, up), float(generator.uniform(0.40, 0.60)), float(generator.uniform(0.88, 1.14)), float(generator.uniform(0, np.pi))
        )


@dataclass(frozen=True, eq=False)
class Spot:
    """A lesion's outline on its window of a canvas.

    Attributes:
        canvas: the window.
        place: where it is.
        depth: about the distance inside the outline in its sizes, negative outside ``(H, W)``.
        within: the share of the lesion at each pixel, 0 to 1; exactly 0 outside.
        right, up: places in its sizes from its middle, turned as it is.
    """

    canvas: Canvas
    place: Place
    depth: Field
    within: Field
    right: Field
    up: Field

    @classmethod
    def outlined(cls, canvas: Canvas, place: Place, generator: Generator, lobes: float, frays: float, edge: float) -> Spot:
        """An oval whose outline has ``lobes`` (few and broad) and ``frays`` (many and fine), and fades over ``edge``; all in its sizes."""
        window = canvas.window(place.middle, REACH * place.size)
        sine, cosine = (float(part) for part in exact.sin_cos(place.turn))
        x, y = ((axis - middle) * np.float32(1 / place.size) for axis, middle in zip((window.x, window.y), place.middle, strict=True))
        right, up = (x * cosine + y * sine) * np.float32(place.stretch), (y * cosine - x * sine) * np.float32(1 / place.stretch)
        cells = round(2.6 / place.size)
        waves = lobes * window.noise(cells, generator) + frays * window.noise(4 * cells, generator)
        depth = 1 - hypot(right, up) + np.clip(waves, -0.45, 0.3)
        within = soft(depth, edge) * soft(REACH - 0.06 - np.maximum(np.abs(x), np.abs(y)), 0.05)
        return cls(window, place, depth, np.where(within > FAINTEST, within, np.float32(0)), right, up)

    def noise(self, cells: float, generator: Generator) -> Field:
        """Noise that varies ``cells`` times over the spot's diameter."""
        return self.canvas.noise(max(2, round(cells / self.place.size)), generator)

    def cells(self, spacing: float, generator: Generator) -> Cells:
        """The window parted among points ``spacing`` apart (in halves of the image), irregularly."""
        bends = (np.clip(0.35 * self.noise(5, generator), -0.9, 0.9) * np.float32(spacing) for _ in range(2))
        x, y = (axis + bend for axis, bend in zip((self.canvas.x, self.canvas.y), bends, strict=True))
        return Cells.drawn(replace(self.canvas, x=x, y=y), spacing, generator, 0.85)

    def network(self, spacing: float, line: float, generator: Generator) -> Field:
        """A net whose meshes are ``spacing`` wide and whose lines are ``line`` of that, 0 to 1."""
        cells = self.cells(spacing, generator)
        return soft(line * spacing - (cells.next - cells.nearest), 0.6 * line * spacing)

    def dots(self, spacing: float, radius: Field | float, share: float, generator: Generator) -> Field:
        """Round dots of about ``radius`` at a ``share`` of places that are ``spacing`` apart, 0 to 1."""
        cells = self.cells(spacing, generator)
        size = radius * (0.7 + 0.6 / share * np.minimum(cells.number, np.float32(share)))
        return soft(size - cells.nearest, 0.012) * (cells.number < share)

    def patch(self, middle: tuple[float, float], size: float, generator: Generator, edge: float = 0.2) -> Field:
        """An irregular patch at a place and of a radius in the spot's sizes, 0 to 1."""
        away = hypot(self.right - middle[0], self.up - middle[1])
        return soft(size * (1 + 0.22 * self.noise(2.5, generator)) - away, edge)

    def vessels(self, count: int, width: float, generator: Generator) -> Field:
        """Vessels that enter from the rim and branch, as thick as they are red, 0 to about 1."""
        angles = generator.uniform(0, 2 * np.pi, count)
        sine, cosine = exact.sin_cos(angles)
        starts = np.array(self.place.middle) + 0.85 * self.place.size * np.stack([cosine, sine], axis=1)
        lengths = generator.uniform(0.8, 1.3, count) * self.place.size
        stems = Curves.drawn(starts, angles + np.pi + generator.normal(0, 0.35, count), lengths, generator, 0.5, 0.35)
        twigs = stems.branched(3, lengths * 0.8, generator, 1.0, 0.5, 0.4)
        return traces(self.canvas, stems, (1, 0.5), width) + traces(self.canvas, twigs, (0.6, 0.2), 0.7 * width)

    def layers(
        self, melanin: Field | float = 0, blood: Field | float = 0, deep: Field | float = 0, *scattering: tuple[Colour, Field]
    ) -> Layers:
        """These amounts, none below 0, and opacities, as much of each as there is of the lesion."""
        amounts = (self.within * np.maximum(amount, np.float32(0)) for amount in (melanin, blood, deep))
        return Layers(*amounts, [(colour, self.within * np.clip(opacity, 0, 1)) for colour, opacity in scattering])
