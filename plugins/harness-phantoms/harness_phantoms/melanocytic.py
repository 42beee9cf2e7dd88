"""Lesions of melanocytes: the naevus and the melanoma."""

from __future__ import annotations

from harness_phantoms.fields import Canvas, Generator, soft
from harness_phantoms.pigments import SCAR, VEIL, Layers
from harness_phantoms.spots import Place, Spot


def naevus(canvas: Canvas, place: Place, generator: Generator) -> tuple[Spot, Layers]:
    """Symmetrical and of one brown, with a regular network, in one of three with globules in its place; fades out evenly."""
    spot = Spot.outlined(canvas, place, generator, lobes=0.05, frays=0.015, edge=float(generator.uniform(0.10, 0.2)))
    brown, heavier = float(generator.uniform(0.7, 1.25)), float(generator.uniform(0.0, 0.35))
    spacing = float(generator.uniform(0.085, 0.115))
    if generator.random() < 0.65:
        structure = 0.75 * spot.network(spacing, 0.25, generator) * (1 - 0.5 * soft(spot.depth - 0.65, 0.3))
    else:
        structure = 0.9 * spot.dots(spacing, 0.026, 0.9, generator)
    melanin = brown * (0.72 + heavier * soft(spot.depth - 0.4, 0.4) + structure + 0.06 * spot.noise(4, generator))
    return spot, spot.layers(melanin, 0.12)


def melanoma(canvas: Canvas, place: Place, generator: Generator) -> tuple[Spot, Layers]:
    """Asymmetrical and ragged, of colours from tan to black.

    A broken network, dots at one side, a blue-white veil, white regression.
    """
    spot = Spot.outlined(canvas, place, generator, lobes=0.23, frays=0.09, edge=float(generator.uniform(0.03, 0.06)))
    aside, up = (float(part) for part in generator.uniform(0.25, 0.5, 2) * generator.choice([-1, 1], 2))
    shade, lean = spot.noise(2.2, generator), aside * spot.right + up * spot.up
    dark = soft(0.25 + 0.7 * shade + 0.9 * lean, 0.7)
    net = spot.network(float(generator.uniform(0.12, 0.16)), 0.34, generator) * soft(spot.noise(3, generator) - 0.8 * lean, 0.6)
    dots = spot.dots(0.1, 0.03, 0.45, generator) * soft(0.5 * lean - 0.1 + 0.3 * shade, 0.15) * soft(0.55 - spot.depth, 0.2)
    melanin = 0.6 + 1.9 * dark + 0.9 * net + 2.2 * dots
    veil = spot.patch((0.55 * aside, 0.55 * up), float(generator.uniform(0.15, 0.5)), generator)
    white = spot.patch((-0.9 * aside, -0.7 * up), float(generator.uniform(0.0, 0.34)), generator, 0.2)
    red = spot.patch((0.8 * up, -0.8 * aside), float(generator.uniform(0.1, 0.4)), generator)
    return spot, spot.layers(melanin * (1 - 0.75 * white), 0.15 + 0.5 * red, 0.9 * veil, (VEIL, 0.55 * veil), (SCAR, 0.35 * white))
