"""Lesions of the epidermis: actinic keratosis and Bowen's disease, basal cell carcinoma, benign keratosis."""

from __future__ import annotations

import numpy as np

from harness_phantoms.fields import Canvas, Generator, soft
from harness_phantoms.pigments import KERATIN, SCAR, Layers
from harness_phantoms.spots import Place, Spot


def actinic_keratosis(canvas: Canvas, place: Place, generator: Generator) -> tuple[Spot, Layers]:
    """Ill-defined and red: a pseudonetwork of blood around follicles that horn plugs ("strawberry"), with scale on it."""
    spot = Spot.outlined(canvas, place, generator, lobes=0.14, frays=0.06, edge=float(generator.uniform(0.2, 0.3)))
    spacing = float(generator.uniform(0.13, 0.17))
    follicles = spot.cells(spacing, generator)
    size = spacing * (0.10 + 0.22 * follicles.number)
    plug, halo = soft(size - follicles.nearest, 0.02), soft(size + 0.2 * spacing - follicles.nearest, 0.05)
    blood = float(generator.uniform(0.75, 1.2)) * (1 + 0.25 * spot.noise(4, generator)) * (1 - 0.5 * halo)
    scale = soft(spot.noise(6, generator) + 0.5 * spot.noise(14, generator) - float(generator.uniform(0.7, 1.4)), 0.4)
    return spot, spot.layers(0.12, blood, 0.0, (KERATIN, 0.42 * plug), (SCAR, 0.55 * scale))


def basal_cell_carcinoma(canvas: Canvas, place: Place, generator: Generator) -> tuple[Spot, Layers]:
    """Translucent pink without a network: sharp vessels that branch like trees, blue-grey nests, in one of three a small ulcer."""
    spot = Spot.outlined(canvas, place, generator, lobes=0.08, frays=0.03, edge=float(generator.uniform(0.08, 0.14)))
    vessels = spot.vessels(int(generator.integers(3, 6)), 0.011, generator)
    nests = spot.dots(0.22, 0.085 * soft(spot.depth - 0.2, 0.2), float(generator.uniform(0.2, 0.45)), generator)
    ulcer = float(generator.random() < 0.33) * spot.patch(tuple(generator.uniform(-0.3, 0.3, 2).tolist()), 0.2, generator, 0.06)
    pale = (0.30 + 0.10 * spot.noise(4, generator)) * (1 - np.clip(vessels + nests, 0, 1))
    blood = 0.55 + 0.12 * spot.noise(5, generator) + 1.5 * ulcer + 3.2 * np.clip(vessels, 0, 1.1)
    return spot, spot.layers(0.05 + 0.8 * ulcer, blood, 1.25 * nests, (SCAR, pale))


def benign_keratosis(canvas: Canvas, place: Place, generator: Generator) -> tuple[Spot, Layers]:
    """Sharply cut and as if stuck on: dull yellow-brown, fissures, milia-like cysts (white) and comedo-like openings (dark)."""
    spot = Spot.outlined(canvas, place, generator, lobes=0.09, frays=0.05, edge=0.03)
    brown = float(generator.uniform(0.55, 1.25))
    fissures = soft(0.25 - np.abs(spot.noise(6, generator)), 0.25)
    milia, openings = spot.dots(0.15, 0.024, 0.22, generator), spot.dots(0.16, 0.03, 0.22, generator)
    melanin = brown * (0.75 + 0.2 * spot.noise(3, generator) + 0.8 * fissures) + 1.6 * openings
    horn = 0.22 + 0.06 * spot.noise(10, generator)
    return spot, spot.layers(melanin, 0.05, 0.0, (KERATIN, horn * (1 - openings)), (KERATIN, 0.8 * milia * (1 - openings)))
