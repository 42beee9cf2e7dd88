"""A procedural frontal radiograph of a chest, before it is exposed: how much each part weakens the rays.

The patient faces the viewer: the heart lies to the image's right. Lengths are halves of the image's side, about 18 cm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.api import exact
from harness_phantoms.curves import Curves, traces
from harness_phantoms.fields import Canvas, Field, Generator, ellipse, hypot, soft

SOFT, AIR = 0.70, 0.44
"""Density of the trunk's soft tissue, and how much less there is where lung takes its place over the whole depth."""
OUTER, INNER, DIAPHRAGM = 0.13, 0.02, 0.015
"""Widths over which a lung gains its depth: from the ribs, beside heart and mediastinum, above the diaphragm."""

HILA = ((-0.17, 0.08), (0.2, 0.12))
"""Hila of the right and the left lung, where vessels and bronchi enter."""


@dataclass(frozen=True, eq=False)
class Chest:
    """A healthy chest.

    Attributes:
        density: what weakens the rays, without the lungs' vessels ``(H, W)``.
        vessels: what these add.
        lung: how much of the depth is lung, 0 to 1; 0 outside.
        x, y: the chest's own coordinates of each pixel.
        mediastinum: signed distance to heart and mediastinum, negative inside.
        domes: heights of the diaphragm below the right and the left lung.
        canvas: the image's.
    """

    density: Field
    vessels: Field
    lung: Field
    x: Field
    y: Field
    mediastinum: Field
    domes: tuple[float, float]
    canvas: Canvas


def chest(canvas: Canvas, generator: Generator) -> Chest:
    """One healthy chest."""
    x, y = posture(canvas, generator)
    wide, tall = float(generator.normal(1, 0.035)), float(generator.normal(1, 0.03))
    heart = float(generator.normal(1, 0.08))
    domes = (float(generator.normal(-0.45, 0.035)), float(generator.normal(-0.50, 0.035)))
    apart = np.abs(x)
    cage = wide * cage_width((0.83 * tall - y) / np.float32(1.5 * tall))
    middle = mediastinum(x, y, heart, generator)
    floor = diaphragm(x, domes, wide)
    wall = cage - apart
    lung = soft(wall - 0.5 * OUTER, 0.6 * OUTER) * soft(middle - INNER, INNER) * soft(y - floor - DIAPHRAGM, DIAPHRAGM)
    lung *= soft(0.8 * tall - y + 0.02, 0.06)
    inside = soft(wall, 0.03) * soft(y - floor, DIAPHRAGM)
    tree = vessels(canvas, generator) * lung
    trunk = body(x, y, wide, generator)
    density = trunk * SOFT - AIR * lung
    density += trunk * (soft(-middle, 0.03) * soft(0.72 - y, 0.2) * 0.11 + (1 - inside) * soft(floor - y + 0.02, 0.05) * 0.12)
    density += bones(x, y, cage, trunk, generator)
    density -= airways(x, y)
    bubble = ellipse(x, y, (0.38, domes[1] - 0.2), (0.17, 0.1))
    density -= float(generator.uniform(0, 0.3)) * soft(-bubble, 0.03) * soft(floor - y - 0.03, 0.02)
    density += breasts(x, y, generator) * soft(apart - 0.12, 0.1) + 0.012 * trunk * canvas.noise(18, generator)
    return Chest(density, tree, lung, x, y, middle, domes, canvas)


def posture(canvas: Canvas, generator: Generator) -> tuple[Field, Field]:
    """Place in the chest of each pixel, x and y: a shift, a small turn, a size and a smooth deformation."""
    sine, cosine = (np.float32(part) for part in exact.sin_cos(generator.normal(0, 0.025)))
    size = np.float32(generator.uniform(0.98, 1.08))
    right, up = (np.float32(move) for move in generator.normal(0, 0.025, 2))
    x = (canvas.x * cosine + canvas.y * sine) * size + right + np.float32(0.012) * canvas.noise(5, generator)
    y = (canvas.y * cosine - canvas.x * sine) * size + up + np.float32(0.012) * canvas.noise(5, generator)
    return x, y


def cage_width(below: Field) -> Field:
    """Half the width of the rib cage at a share of its height below the apex, 0 to 1."""
    rest = 1 - np.clip(below, 0, 1)
    return 0.79 * np.sqrt(1 - rest * rest * rest)


def diaphragm(x: Field, domes: tuple[float, float], wide: float) -> Field:
    """Height of the diaphragm: a dome on either side, which falls off towards the ribs; it is a little higher to the image's left."""
    side = np.where(x < 0, np.float32(domes[0]), np.float32(domes[1]))
    away = (np.abs(x) - 0.34 * wide) * (1 / (0.46 * wide))
    return side - np.where(away > 0, 0.26, 0.06).astype(np.float32) * away * away


def mediastinum(x: Field, y: Field, heart: float, generator: Generator) -> Field:
    """Signed distance to the union of heart, aorta, great veins and hila, negative inside."""
    turn = float(generator.normal(-0.62, 0.08))
    parts = [
        ellipse(x, y, (0.13 * heart, -0.24), (0.37 * heart, 0.25 * heart), turn),
        ellipse(x, y, (-0.06, -0.2), (0.17 * heart, 0.24 * heart)),
        ellipse(x, y, (0.105, 0.37), (0.095, 0.09)),
        ellipse(x, y, (0.09, 0.12), (0.14, 0.13), 0.4),
        ellipse(x, y, (-0.075, 0.1), (0.11, 0.12), -0.3),
        np.maximum(np.abs(x - 0.12 * heart) - 0.2 * heart, y + 0.34),  # the heart rests on the diaphragm
        np.abs(x + 0.015) - 0.115 - 0.035 * np.clip(y - 0.45, 0, 1),
    ]
    distance = parts[0]
    for part in parts[1:]:
        distance = blend(distance, part, 0.05)
    return distance


def blend(first: Field, second: Field, radius: float) -> Field:
    """The signed distance to the union of two shapes, rounded where they meet."""
    overlap = np.clip(radius - np.abs(first - second), 0, None)
    return np.minimum(first, second) - overlap * overlap * np.float32(0.25 / radius)


def body(x: Field, y: Field, wide: float, generator: Generator) -> Field:
    """Share of soft tissue: the trunk with its flanks, shoulders and neck; air is around it."""
    apart = np.abs(x)
    flank = wide * (0.93 + float(generator.normal(0, 0.02))) + 0.35 * soft(y - 0.35, 0.4) - apart
    shoulder = 0.70 + 0.25 * soft(0.62 - apart, 0.42) + 0.9 * soft(0.28 - apart, 0.12)
    deep = 0.72 + 0.28 * soft(flank - 0.12, 0.14) - 0.1 * soft(y - 0.68, 0.25)
    return soft(flank, 0.02) * deep * soft(shoulder - y, 0.03)


def bones(x: Field, y: Field, cage: Field, trunk: Field, generator: Generator) -> Field:
    """Density of ribs, spine, clavicles and shoulder blades."""
    apart = np.abs(x)
    first, spacing = float(generator.normal(0.56, 0.03)), float(generator.normal(0.158, 0.006))
    across = apart / np.maximum(cage, 0.05)
    root = np.sqrt(np.clip(1 - across * across, 0, None))
    slope = across / np.maximum(root, 0.12)
    tilt = 0.23 + 0.07 * np.clip(0.5 - y, 0, 1.2)
    behind = rib(y - tilt * (root - 0.25), first, spacing, tilt * slope, 0.042)
    before = rib(y + 1.15 * tilt * root, first - 0.02, spacing, 1.15 * tilt * slope, 0.05)
    added = (
        soft(1.0 - across, 0.04)
        * soft(y + 0.85, 0.2)
        * (
            0.095 * behind * soft(apart - 0.09, 0.03) * soft(0.74 - y, 0.05)
            + 0.07 * before * soft(across - 0.5, 0.16) * soft(0.35 - y, 0.1)
        )
    )
    added += spine(x, y)
    rise, bow = float(generator.normal(0.16, 0.03)), float(generator.normal(0.03, 0.01))
    share = np.clip((apart - 0.08) * (1 / 0.72), 0, 1)
    line = 0.60 + rise * share + bow * share * (1 - share) * (1 - 2 * share) * 10
    half = 0.028 + 0.016 * (1 - 2 * share) * (1 - 2 * share)
    added += 0.12 * rimmed(half - np.abs(y - line)) * soft(apart - 0.085, 0.02) * soft(0.83 - apart, 0.04)
    blade = apart - 0.70 - 0.22 * np.clip(0.25 - y, -0.2, 1) + 0.1 * np.clip(y - 0.25, 0, 1)
    added += 0.055 * rimmed(np.minimum(blade, 0.66 - y)) * soft(y + 0.2, 0.1)
    head = ellipse(apart, y, (1.02, 0.53), (0.17, 0.15))
    added += 0.09 * rimmed(-head)
    return added * trunk


def rib(height: Field, first: float, spacing: float, slope: Field, half: float) -> Field:
    """Bands of half-width ``half`` at every ``spacing`` below ``first``, with bright rims; ``height`` is unrolled along them."""
    turns = (first - height) * np.float32(1 / spacing)
    off = (turns - np.rint(turns)) * np.float32(spacing)
    return rimmed(half - np.abs(off) / np.sqrt(1 + slope * slope)) * (turns > -0.5)


def rimmed(depth: Field) -> Field:
    """A bone's profile by the depth inside its outline: compact at its rim, less so within."""
    return soft(depth, 0.012) - 0.45 * soft(depth - 0.022, 0.014)


def spine(x: Field, y: Field) -> Field:
    """Vertebral bodies, discs between them, and the pedicles that are seen end on."""
    turns = y * np.float32(1 / 0.135)
    off = np.abs(turns - np.rint(turns)) * np.float32(0.135)
    column = soft(0.078 - np.abs(x), 0.015)
    disc = soft(off - 0.052, 0.012)
    pedicle = soft(0.017 - hypot(np.abs(x) - 0.045, off - 0.02), 0.01)
    return column * (0.085 - 0.04 * disc) + 0.05 * pedicle


def airways(x: Field, y: Field) -> Field:
    """Density that trachea and main bronchi take away."""
    tube = soft(0.038 - np.abs(x + 0.02), 0.014) * soft(y - 0.27, 0.03) * soft(1.1 - y, 0.3)
    apart = np.abs(x + 0.02)
    fork = soft(0.026 - np.abs(y - 0.28 + 0.75 * apart) * 0.8, 0.012) * soft(0.17 - apart, 0.04)
    return 0.13 * np.maximum(tube, fork)


def breasts(x: Field, y: Field, generator: Generator) -> Field:
    """Density of breasts, or of the muscles of the chest, over the lower lungs."""
    heavy, low = float(np.clip(generator.normal(0.02, 0.05), 0, 0.09)), float(generator.normal(-0.38, 0.06))
    return heavy * soft(-ellipse(np.abs(x), y, (0.45, low + 0.28), (0.33, 0.3)), 0.035)


def vessels(canvas: Canvas, generator: Generator) -> Field:
    """Density of the lungs' arteries and veins: trees that leave the hila and grow thinner."""
    starts, headings = [], []
    for (right, up), outward in zip(HILA, (np.pi, 0.0), strict=True):
        angles = np.linspace(-1.15, 1.05, 9) + generator.normal(0, 0.1, 9)
        headings += list(outward - angles if outward else angles)
        starts += [(right, up)] * 9
    lengths = generator.uniform(0.35, 0.6, len(starts))
    first = Curves.drawn(np.array(starts) + generator.normal(0, 0.015, (len(starts), 2)), np.array(headings), lengths, generator, 0.3, 0.12)
    second = first.branched(3, lengths, generator, 0.9, 0.4, 0.15)
    third = second.branched(2, np.repeat(lengths, 3) * 0.6, generator, 0.9, 0.5, 0.2)
    widths = ((first, 0.105, 0.013), (second, 0.06, 0.009), (third, 0.035, 0.007))
    return sum(traces(canvas, curves, (weight, 0.15 * weight), sigma) for curves, weight, sigma in widths)
