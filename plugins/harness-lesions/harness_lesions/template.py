"""The MNI152 T1 template, the average of 152 brains that were brought into one shape, as slices through brains of other shapes.

Coordinates are the template's, in millimetres: x to the subject's right, y to the front, z up; the origin is the anterior commissure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from harness.api import exact
from harness_lesions.phantom import GREATEST, smooth_noise

Field = NDArray[np.floating]
Generator = np.random.Generator

Plane = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = get_args(Plane)
AXES: dict[Plane, tuple[tuple[int, int], int, int]] = {"axial": ((0, 1), 1, 2), "coronal": ((0, 1), 2, 1), "sagittal": ((1, -1), 2, 0)}
"""Of each plane the axis (x, y, z as 0, 1, 2) to the image's right with its sign, the one that points up, and the one across it.

Sagittal slices look to the left, as those of the public sets do.
"""
MIDDLE = (0.0, -17.0, 5.0)
"""The middle of the brain."""
CISTERN, CISTERN_RADII = (0.0, 0.0, -17.0), (17.0, 16.0, 11.0)
"""The suprasellar cistern, which the template's mask leaves out: its middle and half its extent. Filled with fluid up to here."""
FLUID_LEVEL = 55
GREY_MATTER, WHITE_MATTER = 178, 212
"""Grey values of the template up to which a pixel is no white matter, and from which it is nothing else."""
FIELD_OF_VIEW = 189.0
"""Millimetres along a side: the paper's 270 pixels of 0.7 mm."""
SIZE = 0.955
"""The template is larger than most brains; this much of it is the middle of those here."""
BENDS = ((4, 2.0), (11, 1.0))
"""The deformation: how many cells a slice has, and the spread of their shifts in millimetres, at each of two scales."""


@dataclass(frozen=True, eq=False)
class Template:
    """The template's grey values ``(197, 233, 189)`` of 8 bit along x, y and z, 0 outside the brain, and the voxel of the origin."""

    levels: NDArray[np.uint8]
    origin: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Cut:
    """A slice through one deformed brain, before it is scanned.

    Attributes:
        levels: intensities ``(pixels, pixels)`` in [0, 0.7], 0 outside the brain.
        white: share of white matter in each pixel.
        places: where each pixel is in the template, x, y and z, ``(3, pixels, pixels)`` in millimetres.
    """

    levels: Field
    white: Field
    places: Field


def is_missing() -> str | None:
    """What to do where the package that ships the template is not installed."""
    if find_spec("nilearn") is not None:
        return None
    return "backgrounds: mni takes the MNI152 template from nilearn, which is not installed here: pip install 'harness-lesions[mni]'"


@cache
def template() -> Template:
    """The template at 1 mm, with fluid in the suprasellar cistern; raises ``ImportError`` where nilearn is not installed."""
    if (missing := is_missing()) is not None:
        raise ImportError(missing)
    from nilearn.datasets import load_mni152_template

    image = load_mni152_template(resolution=1)
    levels = np.rint(np.asarray(image.dataobj) * 255).astype(np.uint8)
    first, second, third = (float(part) for part in -image.affine[:3, 3])
    origin = (first, second, third)
    axes = np.ogrid[tuple(slice(side) for side in levels.shape)]
    parts = [(axis - o - c) / r for axis, o, c, r in zip(axes, origin, CISTERN, CISTERN_RADII, strict=True)]
    round_it = sum(part * part for part in parts) < 1
    closed = np.stack([ndimage.binary_fill_holes(levels[:, :, level] > 0) for level in range(levels.shape[2])], axis=-1)
    levels[(levels == 0) & closed & round_it] = FLUID_LEVEL
    return Template(levels, origin)


@cache
def smoothed(plane: Plane, width: int) -> NDArray[np.uint8]:
    """The template's grey values, of each the mean over ``width`` × ``width`` mm in a plane: what larger pixels see at their middles."""
    (right, _), up, _ = AXES[plane]
    weights = np.full(width + 1, 1 / width)
    weights[[0, -1]] /= 2
    levels = template().levels
    for axis in (right, up):
        levels = ndimage.correlate1d(levels, weights, axis=axis, output=np.float32)
    return np.rint(levels).astype(np.uint8)


def cut(plane: Plane, at: float, pixels: int, generator: Generator) -> Cut:
    """A slice of a brain of its own shape: turned by a few degrees, of another width, length and height, and bent at two scales.

    Bends go through the slice too, so that one slice meets folds of several levels, and the sides of the symmetric template differ.
    ``at`` is the place of the plane along its normal, in millimetres. A brain that reaches the edge is drawn again.
    """
    pixel = FIELD_OF_VIEW / pixels
    source = smoothed(plane, round(pixel)) if pixel >= 1.5 else template().levels
    while True:
        places = bent(plane, at, pixels, generator)
        grey = grey_values(source, places)
        if not (grey[[0, -1]].any() or grey[:, [0, -1]].any()):
            levels = intensities(grey, float(generator.uniform(1.1, 1.6)))
            return Cut(levels, np.clip((grey - GREY_MATTER) / (WHITE_MATTER - GREY_MATTER), 0, 1), places)


def bent(plane: Plane, at: float, pixels: int, generator: Generator) -> Field:
    """Where each pixel of a slice is in the template, ``(3, pixels, pixels)`` in millimetres."""
    (right, sign), up, through = AXES[plane]
    axis = ((np.arange(pixels) - (pixels - 1) / 2) * FIELD_OF_VIEW / pixels).astype(np.float32)
    turn, pitch, roll = generator.normal(0, 0.04, 3).clip(-0.1, 0.1)
    width, height = SIZE * generator.normal(1, 0.02, 2).clip(0.95, 1.035)
    sin, cos = exact.sin_cos(turn)
    across, along = axis[None, :] - generator.normal(0, 0.7), -axis[:, None] - generator.normal(0, 0.7)
    bends = [sum(spread * smooth_noise(pixels, cells, generator) for cells, spread in BENDS) for _ in range(3)]
    places = np.empty((3, pixels, pixels), dtype=np.float32)
    places[right] = sign * ((across * cos + along * sin) / width + bends[0]) + MIDDLE[right]
    places[up] = (along * cos - across * sin) / height + bends[1] + MIDDLE[up]
    places[through] = at + across * pitch + along * roll + bends[2]
    return places


def grey_values(levels: NDArray[np.uint8], places: Field) -> Field:
    """Those of the template at places ``(3, …)`` in millimetres, 0 outside the brain."""
    voxels = np.stack([part + offset for part, offset in zip(places, template().origin, strict=True)])
    return np.asarray(ndimage.map_coordinates(levels, voxels, output=np.float32, order=1))


def intensities(grey: Field, contrast: float) -> Field:
    """Grey values of the template as intensities in [0, 0.7], under a power."""
    return np.interp(grey, np.arange(256), GREATEST * exact.power(np.arange(256) / 255, contrast))
