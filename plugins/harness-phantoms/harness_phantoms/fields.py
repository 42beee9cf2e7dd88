"""Fields over the plane of an image, of which procedural pictures are made; the same bits on every machine.

The image is the square from -1 to 1, x to the right, y up. A field is float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.api import exact

Field = NDArray[np.float32]
Generator = np.random.Generator
NEIGHBOURS = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]


@dataclass(frozen=True, eq=False)
class Canvas:
    """A window of an image of ``pixels`` × ``pixels``: x and y of each of its pixels ``(H, W)``, and the rows and columns it is of."""

    pixels: int
    rows: slice
    columns: slice
    x: Field
    y: Field

    @classmethod
    def whole(cls, pixels: int) -> Canvas:
        """All of an image."""
        x, y = _grid(pixels)
        return cls(pixels, slice(0, pixels), slice(0, pixels), x, y)

    def window(self, centre: tuple[float, float], reach: float) -> Canvas:
        """The part of a whole canvas that is at most ``reach`` from a point in x and in y."""
        left, right = ((centre[0] + side * reach + 1) / 2 * self.pixels for side in (-1, 1))
        top, bottom = ((1 - centre[1] + side * reach) / 2 * self.pixels for side in (-1, 1))
        rows, columns = (slice(max(0, int(first)), min(self.pixels, int(last) + 1)) for first, last in ((top, bottom), (left, right)))
        return Canvas(self.pixels, rows, columns, self.x[rows, columns], self.y[rows, columns])

    def noise(self, cells: int, generator: Generator) -> Field:
        """Noise of about unit spread that varies over ``1 / cells`` of the whole image; a window has that part of the whole's."""
        coarse = generator.standard_normal((cells + 3, cells + 3), dtype=np.float32)
        first, weights = _splines(self.pixels, cells)
        across = sum(weights[self.columns, k] * coarse.take(first[self.columns] + k, axis=1) for k in range(4))
        return 1.7 * sum(weights[self.rows, k, None] * across.take(first[self.rows] + k, axis=0) for k in range(4))


@cache
def _grid(pixels: int) -> tuple[Field, Field]:
    axis = ((2 * np.arange(pixels) + 1 - pixels) / pixels).astype(np.float32)
    return np.tile(axis, (pixels, 1)), np.tile(-axis[:, None], (1, pixels))


@cache
def _splines(pixels: int, cells: int) -> tuple[NDArray[np.int_], Field]:
    """Cubic B-splines: the first of the four coarse values around each pixel ``(pixels,)`` and their weights ``(pixels, 4)``, of sum 1."""
    position = (np.arange(pixels) + 0.5) * cells / pixels
    first = np.floor(position).astype(int)
    offset = np.abs((position - first)[:, None] + 1 - np.arange(4)[None, :])
    near, far = 2 / 3 - offset * offset + offset * offset * offset / 2, np.clip(2 - offset, 0, None)
    return first, np.where(offset < 1, near, far * far * far / 6).astype(np.float32)


def soft(signed: Field, width: float) -> Field:
    """A step from 0 to 1 where ``signed`` rises through 0: exactly 0 below ``-width`` and 1 above ``width``."""
    share = signed * np.float32(0.5 / width)
    share += np.float32(0.5)
    np.maximum(share, np.float32(0), out=share)
    np.minimum(share, np.float32(1), out=share)
    step = share * np.float32(-2)
    step += np.float32(3)
    step *= share
    step *= share
    return step


def hypot(x: Field, y: Field) -> Field:
    """√(x² + y²)."""
    square = x * x
    square += y * y
    return np.sqrt(square, out=square)


def ellipse(x: Field, y: Field, centre: tuple[float, float], axes: tuple[float, float], turn: float = 0.0) -> Field:
    """About the signed distance to a turned ellipse, negative inside and exact in sign."""
    right, up = x - np.float32(centre[0]), y - np.float32(centre[1])
    if turn == 0:
        along, across = right * np.float32(1 / axes[0]), up * np.float32(1 / axes[1])
    else:
        sine, cosine = _direction(turn)
        along = right * np.float32(cosine / axes[0]) + up * np.float32(sine / axes[0])
        across = up * np.float32(cosine / axes[1]) - right * np.float32(sine / axes[1])
    distance = hypot(along, across)
    distance -= np.float32(1)
    distance *= np.float32(min(axes))
    return distance


@lru_cache(maxsize=64)
def _direction(angle: float) -> tuple[float, float]:
    """Sine and cosine of an angle."""
    sine, cosine = exact.sin_cos(angle)
    return float(sine), float(cosine)


def blurred(field: Field, sigma: float) -> Field:
    """A field ``(H, W)`` under a Gaussian of σ pixels that ends at 4 σ."""
    return np.asarray(exact.gaussian_filter(field, sigma), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Cells:
    """The plane parted among points: each pixel's distance to the nearest and to the next, and a number in [0, 1) of the nearest one."""

    nearest: Field
    next: Field
    number: Field

    @classmethod
    def drawn(cls, canvas: Canvas, spacing: float, generator: Generator, jitter: float = 0.8) -> Cells:
        """Points about ``spacing`` apart, off a regular grid by up to ``jitter`` / 2 of that.

        The canvas may be bent, by less than ``spacing``.
        """
        count = int(2 / spacing) + 5
        offsets = generator.random((2, count, count), dtype=np.float32) * np.float32(jitter) + np.float32(0.5 - jitter / 2)
        numbers = generator.random((count, count), dtype=np.float32)
        across, down = (canvas.x + 1) * np.float32(1 / spacing) + 2, (1 - canvas.y) * np.float32(1 / spacing) + 2
        column, row = across.astype(np.int32), down.astype(np.int32)
        right, low = across - column, down - row
        place = row * count + column
        nearest = np.full(canvas.x.shape, 9, dtype=np.float32)
        following, number = nearest.copy(), np.zeros_like(nearest)
        for shift_row, shift_column in NEIGHBOURS:
            there = place + (shift_row * count + shift_column)
            away_x = offsets[1].take(there) + (shift_column - right)
            away_y = offsets[0].take(there) + (shift_row - low)
            distance = away_x * away_x + away_y * away_y
            following = np.minimum(following, np.maximum(nearest, distance))
            number = np.where(distance < nearest, numbers.take(there), number)
            nearest = np.minimum(nearest, distance)
        return cls(np.sqrt(nearest) * np.float32(spacing), np.sqrt(following) * np.float32(spacing), number)
