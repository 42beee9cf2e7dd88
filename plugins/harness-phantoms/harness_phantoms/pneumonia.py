"""Pneumonia of two kinds: a lobe that fills (lobar), and a patchy network in both lungs (diffuse)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.api import exact
from harness_phantoms.chest import AIR, HILA, Chest
from harness_phantoms.curves import Curves, traces
from harness_phantoms.fields import Field, Generator, hypot, soft

FAINTEST = 0.04
"""Less filling of the lung's full depth than this is none: it could not be seen."""
Pneumonia = Callable[[Chest, Generator], Field]
"""From a chest the share of its air that a lung has lost at each pixel ``(H, W)``, 0 to 1."""


@dataclass(frozen=True)
class Lobe:
    """Part of a lung that fills: its middle, its reach across and up, and the height of a fissure that ends it above or below."""

    middle: tuple[float, float]
    reach: tuple[float, float]
    above: float | None = None
    below: float | None = None


LOBES = (
    Lobe((-0.42, 0.40), (0.34, 0.42), above=0.12),
    Lobe((-0.34, -0.14), (0.36, 0.30), below=0.10),
    Lobe((-0.50, -0.34), (0.36, 0.32)),
    Lobe((0.42, 0.36), (0.34, 0.42)),
    Lobe((0.46, -0.10), (0.32, 0.30)),
    Lobe((0.52, -0.34), (0.34, 0.32)),
)


def lobar(chest: Chest, generator: Generator) -> Field:
    """One lobe, evenly dense, sharp at a fissure, heart or diaphragm; bronchi that still hold air are dark in it."""
    lobe = LOBES[generator.integers(len(LOBES))]
    size = float(generator.uniform(0.75, 1.05))
    right, up = (float(place) for place in np.array(lobe.middle) + generator.normal(0, 0.035, 2))
    fissure, slope = float(generator.normal(0, 0.025)), float(generator.normal(0, 0.12))
    away = hypot((chest.x - right) * (1 / (size * lobe.reach[0])), (chest.y - up) * (1 / (size * lobe.reach[1])))
    edge = 1 - away + 0.10 * chest.canvas.noise(7, generator) + 0.06 * chest.canvas.noise(16, generator)
    filled = soft(edge - 0.15, 0.3) * float(generator.uniform(0.75, 0.98))
    for height, side in ((lobe.above, 1), (lobe.below, -1)):
        if height is not None:
            line = height + fissure + slope * (chest.x - right) + 0.15 * (chest.x - right) * (chest.x - right)
            filled = filled * soft(side * (chest.y - line), 0.014)
    filled = filled * (1 - 0.26 * np.clip(bronchi(chest, (right, up), generator), 0, 1))
    return np.clip(filled * (1 + 0.07 * chest.canvas.noise(20, generator)), 0, 1)


def bronchi(chest: Chest, towards: tuple[float, float], generator: Generator) -> Field:
    """Branching tubes from the hilum of the side of a point to beyond it."""
    hilum = np.array(HILA[0 if towards[0] < 0 else 1])
    starts = hilum + (np.array(towards) - hilum) * np.array([[0.15], [0.3], [0.45]]) + generator.normal(0, 0.05, (3, 2))
    heading = float(exact.arctan2(towards[1] - hilum[1], towards[0] - hilum[0]))
    lengths = generator.uniform(0.3, 0.45, 3)
    first = Curves.drawn(starts, heading + generator.normal(0, 0.35, 3), lengths, generator, 0.2, 0.1)
    second = first.branched(3, lengths, generator, 0.8, 0.3, 0.1)
    return traces(chest.canvas, first, (1, 1), 0.010) + traces(chest.canvas, second, (0.8, 0.8), 0.008)


def diffuse(chest: Chest, generator: Generator) -> Field:
    """Patches in both lungs, denser about the hila, in which fine lines cross (the interstitium) between ground glass."""
    patches = 0.55 * chest.canvas.noise(6, generator) + 0.3 * chest.canvas.noise(13, generator)
    near = np.minimum(*(hypot(chest.x * (1 / 0.75) - right / 0.75, chest.y - up) for right, up in HILA))
    ground = soft(patches + float(generator.uniform(0.5, 0.85)) - 1.5 * near, 0.75)
    across, down = chest.canvas.noise(30, generator), chest.canvas.noise(30, generator)
    lines = soft(0.28 - np.abs(np.abs(across) - np.abs(down)), 0.28) + soft(0.4 - np.abs(chest.canvas.noise(50, generator)), 0.4)
    return np.clip(ground * (0.26 + float(generator.uniform(0.2, 0.3)) * lines), 0, 1)


KINDS: dict[str, Pneumonia] = {"lobar": lobar, "diffuse": diffuse}


def with_pneumonia(chest: Chest, filled: Field, strength: float = 1.0) -> tuple[Field, Field]:
    """Density of a chest whose lungs have filled, and the share of the depth that is no longer air.

    Where that is 0, the chest is as it was. Vessels vanish in what is as dense as they are. ``strength`` is how much of all that there is.
    """
    share = filled * chest.lung
    share = np.where(share > FAINTEST, share, np.float32(0))
    change = AIR * share - np.where(share > 0, filled, np.float32(0)) * chest.vessels
    return chest.density + chest.vessels + np.float32(strength) * change, np.float32(strength) * share
