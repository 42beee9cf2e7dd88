"""Brain tumours of three kinds as a contrast-enhanced T1 slice shows them, grown in a head before it is scanned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from harness.api import exact
from harness_lesions.phantom import FLUID, GREY, smooth_noise, soft
from harness_lesions.shapes import Mask
from harness_lesions.slices import Slice

Field = NDArray[np.floating]
Generator = np.random.Generator
Growth = Callable[[Slice, Generator], tuple[Field, Field]]
"""From a healthy slice the head with a tumour, and the tumour's opacity in [0, 1]; where that is 0, the head is the healthy one."""

SURROUNDINGS = 30.0
"""Millimetres: side of the square round a glioma's middle in which white matter counts."""
WIDEST_STEP = 0.42
"""Pixels: a step of this width is what a pixel sees of a sharp edge."""


def glioma(healthy: Slice, generator: Generator) -> tuple[Field, Field]:
    """Within a hemisphere: an irregular rim that enhances around dark necrosis, and oedema that spreads in the white matter."""
    x, y = place_in(healthy, in_white_matter(healthy), generator)
    size, stretch, turn = generator.uniform(11, 16), generator.uniform(0.8, 1.25), generator.uniform(0, np.pi)
    right, front = healthy.x - x, healthy.y - y
    cos, sin = exact.cos(turn), exact.sin(turn)
    distance = exact.hypot((right * cos + front * sin) * stretch, (front * cos - right * sin) / stretch)
    lobes, knots, fingers, texture = (smooth_noise(len(healthy.x), cells, generator) for cells in (14, 28, 12, 40))
    radius = size * (1 + 0.2 * lobes + 0.11 * knots)
    core = distance - radius
    necrosis = core + radius * np.clip(0.36 + 0.16 * knots - 0.1 * lobes, 0.16, 0.45)
    swelling = distance - (size + generator.uniform(7, 12)) * (1 + 0.25 * fingers + 0.06 * lobes)
    return layered(
        healthy,
        [
            (step(healthy, -swelling, 2.0) * healthy.white, GREY - 0.05 + 0.015 * texture),
            (step(healthy, -core, 0.8), generator.uniform(0.76, 0.88) + 0.04 * texture),
            (step(healthy, -necrosis, 1.0), generator.uniform(0.18, 0.28) + 0.02 * texture),
        ],
        step(healthy, healthy.depth - 3.0, 1.5),
    )


def meningioma(healthy: Slice, generator: Generator) -> tuple[Field, Field]:
    """Round and evenly bright, broadly on the dura, which is thick beside it (the tail); a cleft of fluid parts it from the brain."""
    size = generator.uniform(8, 15)
    below = generator.uniform(0.45, 0.75) * size
    x, y = place_in(healthy, (np.abs(healthy.depth - below) < healthy.pixel) & healthy.convexity, generator)
    right, front = healthy.x - x, healthy.y - y
    distance = exact.hypot(right, front)
    body = distance - size * (1 + 0.05 * smooth_noise(len(healthy.x), 16, generator))
    thickness = 3.0 * np.clip(1 - (distance - size) / generator.uniform(9, 14), 0, 1)
    level = generator.uniform(0.78, 0.88) + 0.012 * smooth_noise(len(healthy.x), 40, generator)
    return layered(
        healthy,
        [
            (0.85 * step(healthy, 2.0 - body, 0.6), FLUID + 0.04),
            (step(healthy, thickness - healthy.depth, 0.4) * (thickness > 0.3), level),
            (step(healthy, -body, 0.5), level),
        ],
        soft(healthy.depth - 0.3, 0.25),
    )


def pituitary(healthy: Slice, generator: Generator) -> tuple[Field, Field]:
    """An adenoma that has grown up into the cistern above the sella: on the midline, bright, smooth, now and then cystic."""
    x, y = generator.normal(healthy.sella[0], 0.8), generator.normal(healthy.sella[1], 1.0)
    wide, long = generator.uniform(7, 12.5), generator.uniform(6.5, 10)
    right, front = healthy.x - x, healthy.y - y
    body = (exact.hypot(right / wide, front / long) - 1) * min(wide, long)
    body = body - 0.7 * smooth_noise(len(healthy.x), 16, generator)
    off, cyst_size, cystic = generator.uniform(-0.45, 0.45, 2), generator.uniform(0.3, 0.5), generator.random() < 0.35
    cyst = (
        exact.hypot(right - off[0] * wide, front - off[1] * long)
        - cyst_size * min(wide, long)
        - 0.8 * smooth_noise(len(healthy.x), 24, generator)
    )
    texture = smooth_noise(len(healthy.x), 40, generator)
    level = generator.uniform(0.76, 0.87) + 0.02 * texture
    layers: list[tuple[Field, Field | float]] = [(step(healthy, -body, 0.5), level)]
    if cystic:
        layers.append((0.8 * step(healthy, -cyst, 0.7), 0.34 + 0.01 * texture))
    return layered(healthy, layers, soft(healthy.depth - 0.3, 0.25))


def step(healthy: Slice, signed: Field, width: float) -> Field:
    """A step as of `soft`, no sharper than the slice's pixels can show."""
    return soft(signed, max(width, WIDEST_STEP * healthy.pixel))


def layered(healthy: Slice, layers: list[tuple[Field, Field | float]], within: Field) -> tuple[Field, Field]:
    """Layers (opacity, intensity) laid one over another in ``within``, and the opacity of all."""
    head, clear = healthy.head.copy(), np.ones_like(healthy.head)
    for opacity, level in layers:
        share = opacity * within
        head += (level - head) * share
        clear *= 1 - share
    return head, 1 - clear


def in_white_matter(healthy: Slice) -> Mask:
    """That half of the deep pixels which have the most white matter around them, into which oedema can spread."""
    around = ndimage.uniform_filter(healthy.white, round(SURROUNDINGS / healthy.pixel))
    return healthy.deep & (around >= np.median(around[healthy.deep]))


def place_in(healthy: Slice, region: Mask, generator: Generator) -> tuple[float, float]:
    """One of the pixels (x, y) of a region, all equally likely."""
    places = np.flatnonzero(region)
    place = places[generator.integers(len(places))]
    return float(healthy.x.ravel()[place]), float(healthy.y.ravel()[place])
