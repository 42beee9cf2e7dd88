"""Brain tumours of three kinds as a contrast-enhanced T1 slice shows them, grown in a head before it is scanned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.api import exact
from harness_lesions.midbrain import SELLA, Slice
from harness_lesions.phantom import FLUID, GREY, WHITE, smooth_noise, soft

Field = NDArray[np.floating]
Generator = np.random.Generator
Growth = Callable[[Slice, Generator], tuple[Field, Field]]
"""From a healthy slice the head with a tumour, and the tumour's opacity in [0, 1]; where that is 0, the head is the healthy one."""

LEAST_DEPTH = 20.0
FREE_OF_MIDLINE = 27.0


def glioma(healthy: Slice, generator: Generator) -> tuple[Field, Field]:
    """Within a hemisphere: an irregular rim that enhances around dark necrosis, and oedema that spreads in the white matter."""
    x, y = deep_place(healthy, generator)
    size, stretch, turn = generator.uniform(10, 16), generator.uniform(0.8, 1.25), generator.uniform(0, np.pi)
    right, front = healthy.x - x, healthy.y - y
    cos, sin = exact.cos(turn), exact.sin(turn)
    distance = exact.hypot((right * cos + front * sin) * stretch, (front * cos - right * sin) / stretch)
    lobes, knots, fingers, texture = (smooth_noise(len(healthy.x), cells, generator) for cells in (14, 28, 12, 40))
    core = distance - size * (1 + 0.24 * lobes + 0.13 * knots)
    necrosis = core + size * np.clip(0.36 + 0.16 * knots - 0.1 * lobes, 0.16, 0.55)
    swelling = distance - (size + generator.uniform(7, 12)) * (1 + 0.25 * fingers + 0.06 * lobes)
    white = np.clip((healthy.head - GREY - 0.04) / (WHITE - GREY - 0.09), 0, 1)
    return layered(
        healthy,
        [
            (soft(-swelling, 2.0) * white, GREY - 0.05 + 0.015 * texture),
            (soft(-core, 0.8), generator.uniform(0.76, 0.88) + 0.04 * texture),
            (soft(-necrosis, 1.0), generator.uniform(0.18, 0.28) + 0.02 * texture),
        ],
        soft(healthy.depth - 3.0, 1.5),
    )


def meningioma(healthy: Slice, generator: Generator) -> tuple[Field, Field]:
    """Round and evenly bright, broadly on the dura, which is thick beside it (the tail); a cleft of fluid parts it from the brain."""
    angle = generator.uniform(-np.pi, np.pi)
    size = generator.uniform(8, 15)
    from_middle = float(healthy.outline.radius(angle)) - generator.uniform(0.45, 0.75) * size
    right, front = healthy.x - from_middle * exact.cos(angle), healthy.y - from_middle * exact.sin(angle)
    distance = exact.hypot(right, front)
    body = distance - size * (1 + 0.05 * smooth_noise(len(healthy.x), 16, generator))
    thickness = 3.0 * np.clip(1 - (distance - size) / generator.uniform(9, 14), 0, 1)
    level = generator.uniform(0.78, 0.88) + 0.012 * smooth_noise(len(healthy.x), 40, generator)
    return layered(
        healthy,
        [
            (0.85 * soft(2.0 - body, 0.6), FLUID + 0.04),
            (soft(thickness - healthy.depth, 0.4) * (thickness > 0.3), level),
            (soft(-body, 0.5), level),
        ],
        soft(healthy.depth - 0.3, 0.25),
    )


def pituitary(healthy: Slice, generator: Generator) -> tuple[Field, Field]:
    """An adenoma that has grown up into the cistern above the sella: on the midline, bright, smooth, now and then cystic."""
    x, y = generator.normal(SELLA[0], 0.8), generator.normal(SELLA[1], 1.0)
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
    layers: list[tuple[Field, Field | float]] = [(soft(-body, 0.5), level)]
    if cystic:
        layers.append((0.8 * soft(-cyst, 0.7), 0.34 + 0.01 * texture))
    return layered(healthy, layers, soft(healthy.depth - 3.0, 1.5))


def layered(healthy: Slice, layers: list[tuple[Field, Field | float]], within: Field) -> tuple[Field, Field]:
    """Layers (opacity, intensity) laid one over another in ``within``, and the opacity of all."""
    head, clear = healthy.head.copy(), np.ones_like(healthy.head)
    for opacity, level in layers:
        share = opacity * within
        head += (level - head) * share
        clear *= 1 - share
    return head, 1 - clear


def deep_place(healthy: Slice, generator: Generator) -> tuple[float, float]:
    """One of the pixels (x, y) that lie deep in a hemisphere and apart from the midline, all equally likely."""
    places = np.flatnonzero((healthy.depth > LEAST_DEPTH) & (np.abs(healthy.x) > FREE_OF_MIDLINE))
    place = places[generator.integers(len(places))]
    return float(healthy.x.ravel()[place]), float(healthy.y.ravel()[place])
