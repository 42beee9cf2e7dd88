"""A procedural sagittal slice beside the midline: corpus callosum, brainstem and cerebellum, the skull's base with the sella, and a face.

Lengths are in millimetres; x points to the image's right and to the back of the head, y up, the origin is the middle of the brain.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.api import exact
from harness_lesions.cortex import Outline, folds
from harness_lesions.deep import cone, ellipse
from harness_lesions.phantom import (
    FAT,
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

HALF_LENGTH, HALF_HEIGHT = 80.0, 62.0
SELLA = (-20.0, -31.0)
FLOOR = -35.0
"""Height of the floor of the anterior fossa."""
# Chains of round cones: x, y, radius.
CALLOSUM = [(-34, -9, 2.0), (-42, -3, 4.0), (-40, 6, 4.2), (-28, 14, 3.2), (-12, 18, 2.9), (5, 15, 2.9), (18, 8, 4.2), (22, 2, 4.6)]
FORNIX = [(14, 4, 1.1), (2, 8, 1.2), (-10, 6, 1.3), (-17, -3, 1.2), (-17, -13, 1.0)]
STEM = [(3, -17, 10.0), (11, -27, 8.5), (8, -42, 12.0), (12, -50, 11.0), (24, -66, 7.5), (31, -84, 6.0), (33, -120, 5.5)]
CANAL = [(20, -56, 13.0), (28, -72, 11.5), (33, -90, 9.0), (35, -120, 8.5)]


def sagittal_slice(pixels: int, generator: Generator) -> Slice:
    """One healthy head ``(pixels, pixels)``, the face to the left."""
    x, y, angle, radius = grid(pixels)
    outline = Outline.of(HALF_LENGTH, HALF_HEIGHT, generator)
    depth = within_base(outline.radius(angle).astype(np.float32) - radius, x, y)
    brain = tissue(x, y, depth, sulci(outline, generator), WITHOUT_VENTRICLES, generator)
    brain = with_deep_parts(brain, x, y, generator)
    outside = with_face(skull_and_scalp(x, y, -depth, generator), x, y, -depth, generator)
    deep = (depth > 19) & (y > -8 + 0.15 * x)
    convexity = (y > -14) & (y > 0.4 * x - 35)
    head = np.where(depth > 0, brain, outside)
    return Slice(head, white_share(head), x, y, depth, deep, convexity, SELLA, FIELD_OF_VIEW / pixels)


def chain(x: Field, y: Field, nodes: list[tuple[float, float, float]], size: float = 1.0) -> Field:
    """Signed distance to round cones from node to node."""
    parts = [cone(x, y, np.array(first), np.array(second), size) for first, second in pairwise(nodes)]
    return np.minimum.reduce(parts)


def within_base(depth: Field, x: Field, y: Field) -> Field:
    """Depth below the surface, above the floor of the anterior fossa and behind the clivus, with the sella and the spinal canal."""
    floor = y - FLOOR - 0.05 * (x + 50)
    clivus = ((x + 12) * 40 + (y + 42) * 19) / 44.3
    sella = 9 - exact.hypot(x - SELLA[0] - 1, y + 38)
    within = np.minimum(depth, np.maximum(np.maximum(floor, clivus), sella))
    part = window(x, y, (-40, 90), (-110, 0))
    within[part] = np.maximum(within[part], -chain(x[part], y[part], CANAL))
    return within


def sulci(outline: Outline, generator: Generator) -> Field:
    """Points ``(N, 3)`` on all sulci: those of the surface, the one above the cingulate gyrus, and the two of the occipital lobe."""
    back = float(outline.radius(-0.1))
    calcarine = Walk.drawn(np.array([back, -8.0]), np.pi - 0.15, back - 32, generator, meander=0.3, bend=0.004, wider=0.2)
    up = float(generator.uniform(0.85, 1.0))
    rim = float(outline.radius(up))
    parietal = Walk.drawn(rim * np.array([exact.cos(up), exact.sin(up)]), up + np.pi + 0.1, rim - 38, generator, meander=0.3, bend=0.004)
    angle = np.linspace(3.5, 0.7, 240)
    sine, cosine = exact.sin_cos(angle)
    swing = 1.8 * exact.sin(8 * angle + generator.uniform(0, 6)) + 1.2 * exact.sin(17 * angle + generator.uniform(0, 6))
    cingulate = np.column_stack([-11 + (46 + swing) * cosine, -4 + (35 + swing) * sine, np.full(240, generator.uniform(0.6, 1.0))])
    leaving = [
        Walk.drawn(cingulate[at, :2], float(angle[at] + generator.normal(0, 0.35)), generator.uniform(7, 18), generator)
        for at in np.arange(int(generator.integers(5, 25)), 225, 22)
    ]
    return np.concatenate([*traced([*folds(outline, generator), calcarine, parietal, *leaving]), cingulate])


def with_deep_parts(image: Field, x: Field, y: Field, generator: Generator) -> Field:
    """Corpus callosum, fornix, ventricles, thalamus, brainstem, cerebellum and the cisterns around them laid into a brain."""
    jitter = generator.normal(1, 0.05, 5)
    x, y = (axis + 1.0 * smooth_noise(len(axis), 18, generator) for axis in (x, y))
    middle, below = (window(*grid(len(x))[:2], across, up) for across, up in (((-64, 50), (-36, 40)), ((-60, 96), (-110, 8))))
    image[middle] = with_callosum(image[middle], x[middle], y[middle], jitter)
    image[below] = with_hind_parts(image[below], x[below], y[below], jitter)
    return image


def with_callosum(image: Field, x: Field, y: Field, jitter: Field) -> Field:
    """Corpus callosum, fornix, lateral ventricle, thalamus and hypothalamus."""
    callosum = chain(x, y, CALLOSUM, float(jitter[0]))
    roof = ellipse(x, y, (-10, 1), (30, 14), 0.0)
    image = image + (GREY - image) * soft(5.5 - callosum, 0.8) * soft(callosum - 0.5, 0.5) * soft(roof, 1.0)
    image += (FLUID - image) * soft(1.0 - callosum, 0.4) * soft(roof, 1.0)
    image += (FLUID + 0.05 - image) * soft(-np.maximum(roof, y - 0.12 * x - 16), 0.8)
    image += (WHITE + 0.04 - image) * soft(-callosum, 0.5)
    image += (0.5 - image) * soft(-ellipse(x, y, (-1, -5), (14 * jitter[1], 8.5), 0.1), 0.8)
    image += (0.46 - image) * soft(-ellipse(x, y, (-15, -17), (7, 6.5), -0.4), 0.9)
    return image + (WHITE - 0.02 - image) * soft(-chain(x, y, FORNIX), 0.5)


def with_hind_parts(image: Field, x: Field, y: Field, jitter: Field) -> Field:
    """What lies below the cerebrum: its cisterns, the brainstem, the cerebellum, the chiasm and the pituitary gland."""
    size = float(jitter[2])
    hind = np.maximum(y + 19 - 0.12 * (x - 20), -(x + 12 + 0.45 * (y + 25)))
    above_sella, behind = chain(x, y, [(-20, -33, 6.0), (-10, -34, 6.0)], size), chain(x, y, [(20, -12, 4.5), (27, -14, 2.5)])
    sella = exact.hypot(x - SELLA[0] - 1, y + 38) - 9
    cistern = np.minimum.reduce([hind, above_sella, behind, sella])
    image += (FLUID - image) * soft(-cistern, 0.7)
    bottom = (52 * jitter[3], -40)
    cerebellum = ellipse(x, y, bottom, (23, 19.5), 0.1)
    leaves = exact.sin(15 * exact.arctan2(y + 41, x - 26)) + 0.2 * exact.sin(0.9 * exact.hypot(x - 26, y + 41))
    image += (GREY + 0.05 + 0.055 * leaves - image) * soft(-cerebellum, 0.6)
    image += (WHITE - 0.04 - image) * soft(-chain(x, y, [(33, -42, 3.0), (46, -40, 1.6)], size), 1.2)
    stem = chain(x, y, STEM, size)
    image += (FLUID - image) * soft(1.2 - stem, 0.5)
    image += (WHITE - 0.05 - image) * soft(-stem, 0.6)
    image += (WHITE - 0.09 - image) * soft(-ellipse(x, y, (5, -46), (8, 10), 0.25), 1.5)
    fourth = np.minimum(chain(x, y, [(22, -40, 1.2), (27, -44, 3.2), (25, -54, 1.2)]), chain(x, y, [(17, -19, 0.7), (21, -38, 0.8)]))
    image += (FLUID - image) * soft(-fourth, 0.5)
    image += (WHITE - 0.08 - image) * soft(-chain(x, y, [(-26, -28, 1.4), (-17, -25, 1.6)]), 0.5)
    gland = np.minimum(chain(x, y, [(-16, -26, 0.8), (-18, -38, 0.8)]), ellipse(x, y, (SELLA[0] + 1, -42), (6.5, 3.4), 0.0))
    return image + (0.52 - image) * soft(-gland, 0.4)


def with_face(image: Field, x: Field, y: Field, outward: Field, generator: Generator) -> Field:
    """Marrow of the clivus, air of the sinuses, nose and throat, the palate, muscles of face and neck laid below the skull."""
    part = window(x, y, (-110, 110), (-110, -8))
    texture = smooth_noise(len(x), 24, generator)
    image[part] = face(image[part], x[part], y[part], outward[part], texture[part], generator)
    return image


def face(image: Field, x: Field, y: Field, outward: Field, texture: Field, generator: Generator) -> Field:
    """Those laid into the lower part of a head; ``texture`` varies the muscles."""
    nose = float(generator.uniform(8, 14))
    profile = x + 84 + nose * soft(9 - np.abs(y + 58), 6) + 0.1 * np.clip(y + 60, -40, 0)
    region = np.minimum(np.minimum(profile, FLOOR - y + 3), 68 - x + 0.15 * (y + 90))
    parts = soft(region, 1.5) * soft(outward - 6.0, 0.8)
    image = image + (MUSCLE + 0.05 * texture + 0.2 * soft(texture - 0.8, 0.4) - image) * parts
    image += (FAT - image) * soft(3.5 - region, 1.0) * soft(region, 0.8) * soft(outward - 12, 1.0) * soft(-40 - y, 2.0)
    clivus = chain(x, y, [(-13, -53, 4.0), (0, -74, 2.8)])
    image += (MARROW + 0.22 - image) * soft(-clivus, 0.6)
    spine = np.maximum(np.abs(x - 14 - 0.05 * (y + 95)) - 6.5, y + 86)
    image += (MARROW + 0.14 - 0.2 * soft(exact.sin((y + 84) * 0.42) - 0.75, 0.15) - image) * soft(-spine, 0.6)
    air = np.minimum(ellipse(x, y, (-31, -50), (10, 6.5), 0.0), ellipse(x, y, (-84, -27), (3.5, 8), 0.0))
    air = np.minimum(air, chain(x, y, [(-70, -68, 4.0), (-20, -68, 5.0), (-4, -84, 4.0), (0, -120, 4.0)]))
    image += (GREY - image) * soft(1.5 - air, 0.5) * soft(outward - 3, 0.5)
    return image + (0.01 - image) * soft(-air, 0.6) * soft(outward - 1.5, 0.5)
