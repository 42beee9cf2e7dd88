"""A procedural axial slice through the midbrain and the suprasellar cistern: the level at which all of the tumours here can grow.

Lengths are in millimetres, as in the phantom of the lesions, whose folded cortex, skull and scalp these slices have too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.api import exact
from harness_lesions.cortex import Outline, sulci
from harness_lesions.deep import cone, ellipse
from harness_lesions.phantom import (
    FIELD_OF_VIEW,
    FLUID,
    GREY,
    WHITE,
    WITHOUT_VENTRICLES,
    grid,
    skull_and_scalp,
    smooth_noise,
    soft,
    tissue,
    white_share,
    window,
)
from harness_lesions.slices import Slice

Field = NDArray[np.floating]
Generator = np.random.Generator

SELLA = (0.0, 11.0)
"""The middle of the suprasellar cistern, above the pituitary gland."""
FOLDS_OF = 0.1


def midbrain_slice(pixels: int, generator: Generator) -> Slice:
    """One healthy head ``(pixels, pixels)``."""
    x, y, angle, radius = grid(pixels)
    outline = Outline.drawn(FOLDS_OF, generator)
    depth = outline.radius(angle).astype(np.float32) - radius
    brain = tissue(x, y, depth, sulci(outline, FOLDS_OF, generator), WITHOUT_VENTRICLES, generator)
    brain = with_deep_parts(brain, x, y, generator)
    head = np.where(depth > 0, brain, skull_and_scalp(x, y, -depth, generator))
    deep, anywhere = (depth > 20) & (np.abs(x) > 27), np.ones(depth.shape, dtype=bool)
    return Slice(head, white_share(head), x, y, depth, deep, anywhere, SELLA, FIELD_OF_VIEW / pixels)


def with_deep_parts(image: Field, x: Field, y: Field, generator: Generator) -> Field:
    """Medial temporal lobes, vermis, midbrain, the cisterns around them, the temporal horns and the pituitary stalk laid into a brain."""
    jitter = generator.normal(1, 0.05, 6)
    x, y = (axis + 1.1 * smooth_noise(len(axis), 20, generator) for axis in (x, y))
    part = window(*grid(len(x))[:2], (-46, 46), (-62, 46))
    image[part] = deep_parts(image[part], x[part], y[part], jitter, generator)
    return image


def deep_parts(image: Field, x: Field, y: Field, jitter: Field, generator: Generator) -> Field:
    """Those laid into a part of a brain, whose sizes are ``jitter`` of the usual ones."""
    apart = np.abs(x)
    stem = ellipse(apart, y, (0, -13), (15.5 * jitter[0], 12 * jitter[1]), 0.0)
    vermis = ellipse(apart, y, (0, -41), (12 * jitter[2], 12 * jitter[3]), 0.0)
    folia = GREY + 0.06 + 0.05 * exact.sin(1.9 * exact.hypot(x, y + 26))
    image = image + (GREY + 0.03 - image) * soft(-ellipse(apart, y, (23, -6), (6.5, 13), 0.25), 1.2)
    for part in (stem - 2.2 * jitter[4], vermis - 1.3):
        image += (FLUID - image) * soft(-part, 0.6)
    image += (folia - image) * soft(-vermis, 0.5)
    image += (WHITE - 0.06 - image) * soft(-stem, 0.6)
    for grey in (ellipse(apart, y, (7, -10), (1.6, 5), -0.7), exact.hypot(x, y + 19) - 3.2):
        image += (GREY + 0.03 - image) * soft(-grey, 0.9)
    image += (FLUID - image) * soft(0.8 - exact.hypot(x, y + 19), 0.4)
    horn = cone(apart, y, np.array([29, -8, 1.3]), np.array([33, -25, 1.0]), float(generator.uniform(0.6, 1.5)))
    image += (FLUID - image) * soft(-np.minimum(horn, cistern(x, y, float(jitter[5]))), 0.5)
    return image + (GREY + 0.05 - image) * soft(1.3 - exact.hypot(x - SELLA[0], y - SELLA[1]), 0.4)


def cistern(x: Field, y: Field, size: float) -> Field:
    """About the signed distance to the suprasellar cistern, a star of five points between frontal lobes, temporal lobes and midbrain."""
    tips = ((0, 34, 0.7), (12, 18, 1.0), (14, 3, 1.2))
    middle = np.array([SELLA[0], SELLA[1], 6.5])
    arms = [cone(np.abs(x), y, middle, np.array(tip), size) for tip in tips]
    notch = cone(x, y, middle, np.array([0, -5, 1.5]), size)
    return np.minimum(np.minimum(arms[0], arms[1]), np.minimum(arms[2], notch))
