"""Bare skin under a dermatoscope, the hairs over it, and the camera: what varies from picture to picture whatever the lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness_phantoms.curves import Curves, traces
from harness_phantoms.fields import Canvas, Field, Generator, blurred, hypot, soft
from harness_phantoms.pigments import BLOODLESS, Layers, coloured

Picture = NDArray[np.float32]
BLUR, GRAIN = 0.35, 0.010
"""The camera's blur (standard deviation) in pixels, and the spread of its noise."""


@dataclass(frozen=True, eq=False)
class Skin:
    """Skin without a lesion ``(3, H, W)``, the opacity of the hairs over it ``(H, W)``, and their colour."""

    bare: Picture
    hairs: Field
    hair_colour: tuple[float, float, float]
    canvas: Canvas


def skin(canvas: Canvas, generator: Generator) -> Skin:
    """One patient's skin: a tone from fair to brown, blotches, furrows and hairs."""
    fair = float(generator.random())
    tone, flush = 0.06 + 0.75 * fair * fair * fair, float(generator.uniform(0.10, 0.42))
    blotches, freckles = canvas.noise(5, generator), canvas.noise(14, generator)
    furrows = sum(soft(0.22 - np.abs(canvas.noise(cells, generator)), 0.22) for cells in (17, 23))
    layers = Layers(
        melanin=np.clip(tone * (1 + 0.10 * blotches + 0.07 * freckles + 0.10 * furrows) + 0.012 * furrows, 0, None),
        blood=np.clip(flush * (1 + 0.15 * canvas.noise(7, generator) + 0.06 * freckles), 0, None),
        deep=np.zeros_like(canvas.x),
    )
    over = np.tile(np.array(BLOODLESS, dtype=np.float32)[:, None, None], (1, *canvas.x.shape))
    dark = float(generator.uniform(0.10, 0.55)) * (1 - 0.8 * fair)
    colour = (0.10 + 0.65 * dark, 0.07 + 0.50 * dark, 0.06 + 0.35 * dark)
    return Skin(coloured(layers, over), hairs(canvas, generator), colour, canvas)


def hairs(canvas: Canvas, generator: Generator) -> Field:
    """Opacity of hairs that lie about one way; half of all skins have none or few."""
    count = int(generator.integers(0, 4) if generator.random() < 0.5 else generator.integers(4, 15))
    if count == 0:
        return np.zeros_like(canvas.x)
    headings = generator.uniform(0, 2 * np.pi) + generator.normal(0, 0.45, count)
    lengths = generator.uniform(0.6, 1.7, count)
    curves = Curves.drawn(generator.uniform(-1.1, 1.1, (count, 2)), headings, lengths, generator, 0.5, 0.12)
    width = float(generator.uniform(0.007, 0.012))
    opacity = np.clip(1.3 * traces(canvas, curves, (1, 0.45), width), 0, 0.92)
    return np.where(opacity > 0.03, opacity, np.float32(0))


def photographed(picture: Picture, skin: Skin, generator: Generator) -> Picture:
    """The photograph ``(3, H, W)`` in [0, 1] of skin with its hairs.

    Its light falls off to the sides and has a cast; one in three shows the edge of the lens.
    """
    canvas = skin.canvas
    middle = generator.normal(0, 0.12, 2).astype(np.float32)
    fall, sharp = np.float32(generator.uniform(0.02, 0.16)), float(generator.uniform(0.01, 0.05))
    away = hypot(canvas.x - middle[0], canvas.y - middle[1])
    light = np.float32(generator.normal(0.97, 0.05)) - fall * away * away
    if generator.random() < 0.3:
        light = light * (0.04 + 0.96 * soft(float(generator.uniform(1.08, 1.3)) - away, sharp))
    cast = generator.normal(1, [0.02, 0.02, 0.035]).astype(np.float32)
    taken = np.empty_like(picture)
    grain = generator.standard_normal((4, *canvas.x.shape), dtype=np.float32)
    for channel in range(3):
        seen = picture[channel] + skin.hairs * (np.float32(skin.hair_colour[channel]) - picture[channel])
        noise = np.float32(GRAIN) * (0.8 * grain[3] + 0.6 * grain[channel])
        taken[channel] = blurred(seen * light * cast[channel], BLUR) + noise
    return np.clip(taken, 0, 1)
