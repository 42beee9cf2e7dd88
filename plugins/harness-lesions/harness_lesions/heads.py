"""Healthy heads that tumours grow in: procedural ones, or slices of the MNI152 template, in three planes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from harness.api import exact
from harness_lesions.coronal import coronal_slice
from harness_lesions.midbrain import midbrain_slice
from harness_lesions.phantom import binned, scanned, warp
from harness_lesions.rendering import Image
from harness_lesions.sagittal import sagittal_slice
from harness_lesions.slices import Slice
from harness_lesions.template import AXES, FIELD_OF_VIEW, Plane, cut

Field = NDArray[np.floating]
Generator = np.random.Generator
Heads = Literal["phantom", "mni"]

SLICES: dict[Plane, Callable[[int, Generator], Slice]] = {"axial": midbrain_slice, "coronal": coronal_slice, "sagittal": sagittal_slice}
LEVELS: dict[Plane, tuple[float, float]] = {"axial": (-19, -15), "coronal": (-4, 5), "sagittal": (6, 9)}
"""Where the template is cut, in millimetres: through the cistern above the sella, and sagittally beside the falx, which hides all."""
SELLA = (0.0, 1.0, -18.5)
"""The middle of the suprasellar cistern in the template."""
BRIDGED = 3.0
"""Millimetres: scale on which the dura passes over sulci instead of following the brain's surface."""
EDGE = 0.8
"""Pixels: softness of the edge of a brain without its skull."""
BRIGHTEST = 1.0


@dataclass(frozen=True, eq=False)
class Head:
    """A healthy slice and how it is seen.

    Attributes:
        healthy: the slice, at ``finer`` times as many pixels as its image has.
        warp: where each of its pixels is looked up, ``(2, pixels, pixels)``; None where the slice is bent already.
        visible: what share of each pixel of the image is seen, so that a brain without its skull ends softly; None for all.
    """

    healthy: Slice
    finer: int
    warp: Field | None
    visible: Field | None

    def seen(self, field: Field) -> Field:
        """A field of the slice in the pixels of the image."""
        if self.warp is not None:
            field = ndimage.map_coordinates(field, self.warp, output=np.float64, order=1, mode="nearest")
        return binned(field, self.finer)

    def scanned(self, field: Field, generator: Generator) -> Image:
        """The image in [0, 1] that a scanner makes of intensities of the slice."""
        image = scanned(self.seen(field), generator, BRIGHTEST)
        return image if self.visible is None else (image * self.visible).astype(np.float32)


def phantom_head(plane: Plane, size: int, generator: Generator) -> Head:
    """A procedural head with skull and scalp."""
    finer = 2 if size < 192 else 1
    return Head(SLICES[plane](size * finer, generator), finer, warp(size * finer, generator), None)


def template_head(plane: Plane, size: int, generator: Generator) -> Head:
    """A brain of the MNI152 template's folds in a shape of its own, without a skull."""
    found = cut(plane, generator.uniform(*LEVELS[plane]), size, generator)
    (right, sign), up, _ = AXES[plane]
    pixel = FIELD_OF_VIEW / size
    inside = found.levels > 0
    within_dura = exact.gaussian_filter(inside.astype(np.float64), BRIDGED / pixel) > 0.42
    depth = (ndimage.distance_transform_edt(within_dura) - 0.5) * pixel
    x, y, (across, front, height) = sign * found.places[right], found.places[up], found.places
    deep = {
        "axial": (depth > 20) & (np.abs(across) > 20),
        "coronal": (depth > 17) & (np.abs(across) > 20) & (height > -22),
        "sagittal": (depth > 18) & (height > 2 - 0.2 * front),
    }
    convexity = inside if plane == "axial" else height > -8
    healthy = Slice(found.levels, found.white, x, y, depth, deep[plane], convexity, (sign * SELLA[right], SELLA[up]), pixel)
    share = exact.gaussian_filter(inside.astype(np.float64), EDGE)
    return Head(healthy, 1, None, np.clip((share - 0.35) / 0.45, 0, 1))


HEADS: dict[Heads, Callable[[Plane, int, Generator], Head]] = {"phantom": phantom_head, "mni": template_head}
