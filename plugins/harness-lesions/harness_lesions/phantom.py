"""A procedural axial T1 slice of a head: backgrounds for those who have no volumes at hand.

Lengths are in millimetres; x points to the image's right, y to the front of the head (up), the origin is the middle of the brain.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from harness.api import exact
from harness_lesions.cortex import Outline, sulci
from harness_lesions.deep import nuclei, ventricles
from harness_lesions.rendering import Image
from harness_lesions.shapes import Mask

Field = NDArray[np.floating]
Generator = np.random.Generator

FIELD_OF_VIEW = 212.0
GREATEST = 0.7
"""Backgrounds lie in [0, 0.7], so that a lesion over the brightest tissue can still be seen."""
WHITE, GREY, FLUID, FAT, MARROW, BONE = 0.60, 0.41, 0.09, 0.62, 0.30, 0.03
MUSCLE = 0.33
CORTEX = 3.1
WITHOUT_VENTRICLES = 1.0
"""Height of an axial slice above all ventricles, for a plane that lays its own in."""
BLOCK = 8192
"""Pixels that are worked on at once."""
BLUR = 0.35
"""Standard deviation of a scanner's blur, in pixels."""


def brain_phantom(side: int, generator: Generator) -> tuple[Image, Mask]:
    """One slice ``(side, side)`` in [0, 0.7], and where its brain is.

    The folds follow from the sulci, which are curves that wander inwards from the surface: what is close to one is grey matter.
    """
    factor = 2 if side < 192 else 1
    pixels = side * factor
    x, y, angle, radius = grid(pixels)
    height = generator.uniform(0, 1)
    outline = Outline.drawn(height, generator)
    depth = outline.radius(angle).astype(np.float32) - radius
    inside = tissue(x, y, depth, sulci(outline, height, generator), height, generator)
    head = np.where(depth > 0, inside, skull_and_scalp(x, y, -depth, generator))
    coordinates = warp(pixels, generator)
    head = ndimage.map_coordinates(head, coordinates, output=np.float32, order=1)
    brain = ndimage.map_coordinates((depth > 1).astype(np.float32), coordinates, order=1)
    return scanned(binned(head, factor), generator), binned(brain, factor) > 0.99


@cache
def grid(pixels: int) -> tuple[Field, Field, Field, Field]:
    """Coordinates of each of ``(pixels, pixels)``: x, y, its angle and its distance from the origin."""
    axis = ((np.arange(pixels) - (pixels - 1) / 2) * FIELD_OF_VIEW / pixels).astype(np.float32)
    x, y = np.broadcast_to(axis[None, :], (pixels, pixels)), np.broadcast_to(-axis[:, None], (pixels, pixels))
    return x, y, exact.arctan2(y, x).astype(np.float32), exact.hypot(x, y).astype(np.float32)


def window(x: Field, y: Field, across: tuple[float, float], up: tuple[float, float]) -> tuple[slice, slice]:
    """Rows and columns of the pixels of a grid between two x and between two y: what is drawn there needs no others."""
    columns, rows = ((line > low) & (line < high) for line, (low, high) in ((x[0], across), (y[:, 0], up)))
    found = [np.flatnonzero(line) for line in (rows, columns)]
    return slice(found[0][0], found[0][-1] + 1), slice(found[1][0], found[1][-1] + 1)


def tissue(x: Field, y: Field, depth: Field, curves: Field, height: float, generator: Generator) -> Field:
    """Intensities inside the skull: white matter, nuclei, cortex along surface and sulci, fluid in sulci and ventricles."""
    pixel = FIELD_OF_VIEW / len(x)
    columns, rows = np.rint((curves[:, :2] * [1, -1]) / pixel + (len(x) - 1) / 2).astype(int).T
    drawn = np.ones(x.shape, dtype=bool)
    drawn[rows.clip(0, len(x) - 1), columns.clip(0, len(x) - 1)] = False
    width = np.zeros_like(x)
    width[rows.clip(0, len(x) - 1), columns.clip(0, len(x) - 1)] = curves[:, 2]
    distance, (near_row, near_column) = ndimage.distance_transform_edt(drawn, sampling=pixel, return_indices=True)
    from_sulcus = distance.astype(np.float32) - width[near_row, near_column]
    from_fluid = np.minimum(from_sulcus, depth - 0.8)
    ribbon = CORTEX * (1 + 0.25 * smooth_noise(len(x), 24, generator))
    image = np.full_like(x, WHITE)
    image += (GREY - WHITE) * soft(ribbon - from_fluid, 0.55)
    for signed, level in nuclei(x, y, height, generator):
        image += (level - image) * soft(-signed, 0.8)
    image += 0.018 * smooth_noise(len(x), 20, generator)
    image += (FLUID - image) * soft(-from_fluid, 0.35)
    return image + (FLUID - image) * soft(-ventricles(x, y, height, generator), 0.5)


def skull_and_scalp(x: Field, y: Field, outward: Field, generator: Generator) -> Field:
    """Intensities outside the brain by the distance from it: fluid, bone with marrow between its tables, fat and muscle, air."""
    waves = smooth_noise(len(x), 4, generator), smooth_noise(len(x), 5, generator)
    inner = 2.0 + 0.5 * waves[0]
    outer = inner + generator.uniform(4.5, 7.0) * (1 + 0.15 * waves[1])
    skin = outer + generator.uniform(4.5, 7.5) * (1 + 0.2 * waves[0])
    image = np.full_like(x, FLUID) + (BONE - FLUID) * soft(outward - inner, 0.4)
    marrow = soft(outward - inner - 1.3, 0.4) * soft(outer - 1.4 - outward, 0.4)
    image += (MARROW * generator.uniform(0.5, 1.2) * (1 + 0.4 * smooth_noise(len(x), 16, generator)) - image) * marrow
    muscle = soft(np.abs(x) - 45, 6) * soft(skin - 2.0 - outward, 0.5)
    image += (FAT * (1 + 0.08 * waves[1]) - image) * soft(outward - outer, 0.4)
    image += (MUSCLE - image) * muscle * soft(outward - outer - 0.6, 0.4)
    return image + (0.004 - image) * soft(outward - skin, 0.5)


def white_share(head: Field) -> Field:
    """Share of white matter in each pixel of a procedural brain, by its intensity."""
    return np.clip((head - GREY - 0.04) / (WHITE - GREY - 0.09), 0, 1)


def warp(pixels: int, generator: Generator) -> Field:
    """Sampling coordinates ``(2, pixels, pixels)``: a small rotation, size and shift, and a smooth deformation that undoes symmetry."""
    pixel = FIELD_OF_VIEW / pixels
    angle, size = generator.normal(0, 0.05), generator.normal(1, 0.02)
    rows, columns = np.mgrid[:pixels, :pixels] - (pixels - 1) / 2
    shift = generator.normal(0, 1.5, 2) / pixel
    bend = [smooth_noise(pixels, cells, generator) * amount / pixel for cells, amount in ((4, 1.1), (4, 1.1))]
    sin, cos = exact.sin_cos(angle)
    turned = cos * rows - sin * columns, sin * rows + cos * columns
    return np.stack([part / size + move + curve + (pixels - 1) / 2 for part, move, curve in zip(turned, shift, bend, strict=True)])


def scanned(head: Field, generator: Generator, greatest: float = GREATEST) -> Image:
    """Image that a scanner makes of it: a coil's bias field, a gain, a little blur, Rician noise, then [0, ``greatest``]."""
    axis = np.linspace(-1, 1, len(head))
    u, v = axis[None, :], axis[:, None]
    a, b, c, d, e = generator.normal(0, [0.06, 0.06, 0.05, 0.05, 0.05])
    biased = head * exact.exp(a * u + b * v + c * u * v + d * u**2 + e * v**2 - 0.03) * generator.normal(1, 0.03)
    noise = generator.normal(0, 0.011, (2, *head.shape))
    noisy = exact.hypot(exact.gaussian_filter(biased, BLUR) + noise[0], noise[1])
    return noisy.clip(0, greatest).astype(np.float32)


def smooth_noise(pixels: int, cells: int, generator: Generator) -> Field:
    """Noise ``(pixels, pixels)`` of about unit spread that varies over ``1 / cells`` of the image.

    A few rows at a time: arrays of a whole image would be memory asked of the system each, which takes longer than the arithmetic.
    """
    first, weights = splines(pixels, cells)
    coarse = generator.normal(0, 1, (cells + 3, cells + 3)).astype(np.float32)
    rows = sum(weights[:, k, None] * coarse.take(first + k, axis=0) for k in range(4))
    noise = np.empty((pixels, pixels), dtype=np.float32)
    few = max(1, BLOCK // pixels)
    for top in range(0, pixels, few):
        noise[top : top + few] = 1.7 * sum(weights[:, k] * rows[top : top + few].take(first + k, axis=1) for k in range(4))
    return noise


@cache
def splines(pixels: int, cells: int) -> tuple[NDArray[np.int_], Field]:
    """Cubic B-splines: the first of the four coarse values around each pixel ``(pixels,)`` and their weights ``(pixels, 4)``, of sum 1.

    Without a matrix product, whose last bits depend on the library that computes it and on its threads.
    """
    position = np.arange(pixels) * cells / pixels
    first = np.floor(position).astype(int)
    offset = np.abs((position - first)[:, None] + 1 - np.arange(4)[None, :])
    near, far = 2 / 3 - offset * offset + offset * offset * offset / 2, np.clip(2 - offset, 0, None)
    return first, np.where(offset < 1, near, far * far * far / 6).astype(np.float32).astype(np.float64)


def soft(signed: Field, width: float) -> Field:
    """A step from 0 to 1 where ``signed`` (mm) rises through 0, over about ``width`` mm to either side."""
    share = np.clip(0.5 + signed / (2.4 * width), 0, 1)
    return share * share * (3 - 2 * share)


def binned(image: Field, factor: int) -> Field:
    """Means over ``factor`` × ``factor`` pixels."""
    side = len(image) // factor
    return image.reshape(side, factor, side, factor).mean(axis=(1, 3))
