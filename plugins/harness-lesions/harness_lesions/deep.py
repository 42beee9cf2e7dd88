"""Ventricles and deep grey nuclei of the procedural brain, as signed distances in millimetres (negative inside)."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.api import exact

Field = NDArray[np.floating]
Generator = np.random.Generator

REACH = 34.0
"""Ventricles are looked for only this close to the midline."""

# One lateral ventricle from the frontal horn to the atrium: |x|, y, radius.
_LOW = np.array(
    [
        [11, 33, 1.6],
        [9, 27, 3.2],
        [6.5, 20, 3.4],
        [4.5, 13, 2.2],
        [4, 7, 1.2],
        [13, -27, 1.5],
        [18, -33, 4.0],
        [20, -41, 3.0],
        [19, -48, 1.5],
    ]
)
_HIGH = np.array(
    [
        [9, 30, 1.6],
        [7.5, 22, 3.0],
        [6.5, 13, 3.6],
        [7.0, 4, 3.8],
        [9.0, -7, 3.8],
        [12.5, -18, 4.0],
        [17, -28, 4.2],
        [19, -36, 2.5],
        [19, -42, 1.2],
    ]
)


def ventricles(x: Field, y: Field, height: float, generator: Generator) -> Field:
    """Signed distance to the ventricles: two horns and the third ventricle low down, two long bodies higher up, none at the top."""
    blend = np.clip((height - 0.15) / 0.35, 0, 1)
    nodes = (1 - blend) * _LOW + blend * _HIGH
    size = generator.uniform(0.7, 1.45) * np.clip((0.92 - height) / 0.25, 0, 1)
    distance = np.full_like(x, 1e3)
    if size == 0:
        return distance
    middle = np.abs(x[0]) < REACH
    apart, y, near = np.abs(x[:, middle]), y[:, middle], distance[:, middle]
    for first, second in pairwise(nodes):
        if blend < 0.5 and first[1] > 0 > second[1]:
            continue
        near = np.minimum(near, cone(apart, y, first, second, size))
    if blend < 0.7:
        near = np.minimum(near, cone(apart, y, np.array([0, 4, 1.3]), np.array([0, -13, 1.6]), size * (1 - blend)))
    distance[:, middle] = near
    return distance


def cone(x: Field, y: Field, first: Field, second: Field, size: float) -> Field:
    """Signed distance to a round cone between two nodes (x, y, radius), radii times ``size``."""
    along = second[:2] - first[:2]
    share = np.clip(((x - first[0]) * along[0] + (y - first[1]) * along[1]) / (along[0] * along[0] + along[1] * along[1]), 0, 1)
    radius = (first[2] + share * (second[2] - first[2])) * size
    return exact.hypot(x - first[0] - share * along[0], y - first[1] - share * along[1]) - radius


def nuclei(x: Field, y: Field, height: float, generator: Generator) -> list[tuple[Field, float]]:
    """Signed distances to caudate, putamen, pallidum and thalamus, each with its intensity; they fade out upwards."""
    fade = float(np.clip((0.62 - height) / 0.2, 0, 1))
    if fade == 0:
        return []
    jitter = generator.normal(1, 0.06, (4, 2))
    shapes = (
        ((13.5, 19), (4.2, 9.5), 0.25, 0.43),
        ((27, 6), (5.0, 15.5), -0.18, 0.46),
        ((20.5, 2), (4.0, 9.0), -0.35, 0.54),
        ((10.5, -11), (8.0, 12.5), 0.3, 0.50),
    )
    return [
        (ellipse(np.abs(x), y, centre, (axes[0] * fade * a, axes[1] * fade * b), tilt), level)
        for (centre, axes, tilt, level), (a, b) in zip(shapes, jitter, strict=True)
    ]


@cache
def direction(angle: float) -> tuple[Field, Field]:
    """Sine and cosine of an angle (radians) that is met again and again, of float64 whatever they are multiplied with."""
    return exact.sin_cos(angle)


def ellipse(x: Field, y: Field, centre: tuple[float, float], axes: tuple[float, float], tilt: float) -> Field:
    """About the signed distance to a tilted ellipse, exact in sign."""
    right, front = x - centre[0], y - centre[1]
    sin, cos = direction(tilt)
    u, v = right * cos + front * sin, front * cos - right * sin
    return (exact.hypot(u / axes[0], v / axes[1]) - 1) * min(axes)
