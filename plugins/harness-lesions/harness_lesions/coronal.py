"""A procedural coronal slice through the sella: both hemispheres above the temporal lobes, and the skull's base between these.

Lengths are in millimetres; x points to the image's right, y up, the origin is the middle of the brain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.api import exact
from harness_lesions.cortex import Outline, beside, folds, sylvian
from harness_lesions.deep import cone, ellipse
from harness_lesions.phantom import (
    BONE,
    FIELD_OF_VIEW,
    FLUID,
    GREY,
    MARROW,
    MUSCLE,
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
from harness_lesions.walks import Walk, traced

Field = NDArray[np.floating]
Generator = np.random.Generator

HALF_WIDTH, HALF_HEIGHT = 65.0, 61.0
SELLA = (0.0, -36.0)
CALLOSUM = 15.0
"""Height of the corpus callosum, where the cleft between the hemispheres ends."""
LOWER = np.array([0.0, -19.0, 0.0])
"""How much lower than in an axial slice the lateral fissures are drawn."""


def coronal_slice(pixels: int, generator: Generator) -> Slice:
    """One healthy head ``(pixels, pixels)``."""
    x, y, angle, radius = grid(pixels)
    outline = Outline.of(HALF_WIDTH, HALF_HEIGHT, generator)
    depth = within_base(outline.radius(angle).astype(np.float32) - radius, np.abs(x), y)
    brain = tissue(x, y, depth, sulci(outline, generator), WITHOUT_VENTRICLES, generator)
    brain = with_deep_parts(brain, x, y, generator)
    outside = with_base(skull_and_scalp(x, y, -depth, generator), x, y, -depth, generator)
    deep = (depth > 17) & (np.abs(x) > 21) & (y > -45)
    head = np.where(depth > 0, brain, outside)
    return Slice(head, white_share(head), x, y, depth, deep, y > -25, SELLA, FIELD_OF_VIEW / pixels)


def within_base(depth: Field, apart: Field, y: Field) -> Field:
    """Depth below the surface, with the body of the sphenoid bone between the temporal lobes and the sella on top of it."""
    across, below = apart - 10, y + 57
    bone = exact.hypot(np.clip(across, 0, None), np.clip(below, 0, None)) + np.minimum(np.maximum(across, below), 0) - 11
    sella = ellipse(apart, y, (0, -44), (8, 6), 0.0)
    return np.minimum(depth, np.maximum(bone, -sella))


def sulci(outline: Outline, generator: Generator) -> Field:
    """Points ``(N, 3)`` on all sulci: x, y and half the width there."""
    top = float(outline.radius(np.pi / 2))
    cleft = Walk.drawn(np.array([0.0, top]), -np.pi / 2, top - CALLOSUM, generator, meander=0.1, bend=0.0015, wider=0.35)
    lateral = [walk for side in (0.0, np.pi) for walk in sylvian(outline, side, generator)]
    curves = traced([*folds(outline, generator), cleft, *beside(cleft, generator)])
    return np.concatenate([*curves, *(curve + LOWER for curve in traced(lateral))])


def with_deep_parts(image: Field, x: Field, y: Field, generator: Generator) -> Field:
    """Nuclei, hippocampi, ventricles, the cistern above the sella, chiasm, carotids, stalk and pituitary gland laid into a brain."""
    jitter = generator.normal(1, 0.06, 6)
    x, y = (axis + 1.0 * smooth_noise(len(axis), 20, generator) for axis in (x, y))
    part = window(*grid(len(x))[:2], (-48, 48), (-62, 34))
    image[part] = deep_parts(image[part], x[part], y[part], jitter, generator)
    return image


def deep_parts(image: Field, x: Field, y: Field, jitter: Field, generator: Generator) -> Field:
    """Those laid into a part of a brain, whose sizes are ``jitter`` of the usual ones."""
    apart = np.abs(x)
    size = float(generator.uniform(0.7, 1.3))
    grey = (
        ((7.5, -8), (6.5, 8.5 * jitter[0]), 0.2, 0.50),
        ((16.5, 3), (4.0, 8.0 * jitter[1]), -0.35, 0.43),
        ((27.5, -8), (5.0, 11.5 * jitter[2]), -0.12, 0.46),
        ((20.0, -11), (4.2, 7.0), -0.35, 0.54),
        ((6.0, -25), (6.5, 5.5), 0.0, 0.46),
        ((23.5, -36), (8.5 * jitter[3], 6.5), 0.3, 0.44),
    )
    for centre, axes, tilt, level in grey:
        image = image + (level - image) * soft(-ellipse(apart, y, centre, axes, tilt), 0.9)
    callosum = cone(apart, y, np.array([0, CALLOSUM - 4, 2.6]), np.array([16, CALLOSUM + 1, 2.2]), 1.0)
    image += (WHITE + 0.03 - image) * soft(-callosum, 0.8)
    fluid = (
        cone(apart, y, np.array([2.6, 4, 1.8]), np.array([11, 9.5, 2.8]), size),
        cone(apart, y, np.array([0, -8, 1.2]), np.array([0, -22, 1.4]), size),
        cone(apart, y, np.array([0, -35, 4.5]), np.array([12, -37, 2.4]), float(jitter[4])),
        cone(apart, y, np.array([30, -37, 1.6]), np.array([35, -34, 0.8]), size),
        ellipse(apart, y, (0, -44), (8, 5.6), 0.0),
    )
    for part in fluid:
        image += (FLUID - image) * soft(-part, 0.5)
    image += (WHITE - 0.08 - image) * soft(-ellipse(apart, y, (0, -31.5), (8, 1.5), 0.0), 0.5)
    gland = np.minimum(cone(apart, y, np.array([0, -33, 0.8]), np.array([0, -42, 0.8]), 1.0), ellipse(apart, y, (0, -45), (6, 3.2), 0.0))
    image += (0.52 - image) * soft(-gland, 0.4)
    return image + (BONE - image) * soft(2.2 - exact.hypot(apart - 12 * jitter[5], y + 38), 0.4)


def with_base(image: Field, x: Field, y: Field, outward: Field, generator: Generator) -> Field:
    """Muscles, fat and the air of the sphenoid sinus and the pharynx laid below the skull."""
    part = window(x, y, (-110, 110), (-110, -15))
    texture = smooth_noise(len(x), 26, generator)
    image[part] = base(image[part], x[part], y[part], outward[part], texture[part], generator)
    return image


def base(image: Field, x: Field, y: Field, outward: Field, texture: Field, generator: Generator) -> Field:
    """Those laid into the lower part of a head; ``texture`` varies the muscles."""
    apart = np.abs(x)
    soft_parts = soft(outward - 7.0, 0.8) * soft(-44 - y + 0.25 * apart, 2.0) * soft(70 - apart + 2 * texture, 1.0)
    image = image + (MUSCLE + 0.05 * texture + 0.22 * soft(texture - 0.9, 0.4) - image) * soft_parts
    image += (MARROW + 0.2 + 0.02 * texture - image) * soft(-ellipse(apart, y, (51, -84), (4.5, 15), 0.1), 0.6)
    wide = float(generator.uniform(0.8, 1.15))
    for centre, axes in (((0, -61), (11 * wide, 7.0)), ((0, -86), (13.0, 8 * wide))):
        inside = -ellipse(apart, y, centre, axes, 0.0)
        image += (GREY - image) * soft(inside + 1.6, 0.5)
        image += (0.01 - image) * soft(inside, 0.5)
    return image
