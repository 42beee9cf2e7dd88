"""Lesions of the dermis: dermatofibroma and vascular lesions."""

from __future__ import annotations

import numpy as np

from harness_phantoms.fields import Canvas, Generator, hypot, soft
from harness_phantoms.pigments import SCAR, Layers
from harness_phantoms.spots import Place, Spot


def dermatofibroma(canvas: Canvas, place: Place, generator: Generator) -> tuple[Spot, Layers]:
    """A white patch like a scar in the middle, around it a ring of delicate network that fades into the skin."""
    spot = Spot.outlined(canvas, place, generator, lobes=0.04, frays=0.015, edge=float(generator.uniform(0.2, 0.3)))
    off = generator.uniform(-0.08, 0.08, 2)
    scar = spot.patch((float(off[0]), float(off[1])), float(generator.uniform(0.36, 0.5)), generator, 0.24)
    ring = 1 - soft(0.35 - hypot(spot.right, spot.up), 0.2)
    brown = float(generator.uniform(0.40, 0.70))
    melanin = brown * (0.6 + 0.75 * spot.network(float(generator.uniform(0.075, 0.095)), 0.26, generator)) * ring
    white = scar * (0.5 + 0.1 * spot.noise(6, generator))
    return spot, spot.layers(melanin, float(generator.uniform(0.05, 0.2)), 0.0, (SCAR, white))


def vascular_lesion(canvas: Canvas, place: Place, generator: Generator) -> tuple[Spot, Layers]:
    """Sharply bounded lacunae full of blood, red, purple or nearly black, parted by pale septa; no melanin."""
    spot = Spot.outlined(canvas, place, generator, lobes=0.07, frays=0.02, edge=float(generator.uniform(0.04, 0.07)))
    spacing = float(generator.uniform(0.17, 0.24))
    lacunae = spot.cells(spacing, generator)
    full = soft((0.38 + 0.2 * lacunae.number) * spacing - lacunae.nearest, 0.1 * spacing)
    full *= soft(lacunae.next - lacunae.nearest, 0.14 * spacing)
    purple, dark = float(generator.uniform(0.0, 0.7)), float(generator.uniform(1.5, 3.0))
    blood = 1.05 + dark * full * (0.7 + 0.6 * lacunae.number)
    deep = purple * full * soft(lacunae.number - 0.5, 0.35)
    pale = float(generator.uniform(0.0, 0.2)) * (1 - full) * np.clip(0.8 + 0.2 * spot.noise(4, generator), 0, 1)
    return spot, spot.layers(0.0, blood, deep, (SCAR, pale))
