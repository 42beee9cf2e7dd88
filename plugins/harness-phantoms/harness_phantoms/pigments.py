"""The colour of skin by what is in it: pigments that absorb, and tissue that scatters light back.

Colours are red, green and blue, of linear reflectance's square root (about as cameras store it), in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness_phantoms.fields import Field

Colour = tuple[float, float, float]
BLOODLESS: Colour = (0.96, 0.88, 0.82)
"""Skin without any pigment."""
MELANIN: Colour = (0.40, 0.70, 1.05)
BLOOD: Colour = (0.13, 0.72, 0.58)
DEEP: Colour = (0.95, 0.72, 0.42)
"""Absorption of a unit of each: melanin near the surface is brown, blood red, melanin deep in the dermis blue-grey."""
KERATIN: Colour = (0.95, 0.89, 0.68)
SCAR: Colour = (0.96, 0.90, 0.88)
VEIL: Colour = (0.60, 0.67, 0.78)
"""Colours of what scatters light back: yellowish horn, white scar, and the blue-white veil of a thick layer of cells over deep pigment."""


@dataclass(eq=False)
class Layers:
    """Contents of the skin at each pixel ``(H, W)``: amounts of pigments, and of each scattering layer, from below, colour and opacity."""

    melanin: Field
    blood: Field
    deep: Field
    scattering: list[tuple[Colour, Field]] = field(default_factory=list)


def blended(first: Layers, second: Layers, share: float) -> Layers:
    """As much of the second as ``share`` says, and the rest of the first: amounts and opacities."""
    kept, taken = np.float32(1 - share), np.float32(share)
    amounts = ((first.melanin, second.melanin), (first.blood, second.blood), (first.deep, second.deep))
    scattering = [(colour, kept * opacity) for colour, opacity in first.scattering]
    scattering += [(colour, taken * opacity) for colour, opacity in second.scattering]
    return Layers(*(kept * one + taken * other for one, other in amounts), scattering)


def coloured(layers: Layers, over: NDArray[np.float32]) -> NDArray[np.float32]:
    """Skin ``(3, H, W)`` of which pigments take away from ``over``, a colour at each pixel, and on which layers scatter."""
    picture = np.empty_like(over)
    for channel in range(3):
        absorbed = layers.melanin * np.float32(MELANIN[channel] / 4)
        absorbed += layers.blood * np.float32(BLOOD[channel] / 4)
        absorbed += layers.deep * np.float32(DEEP[channel] / 4)
        absorbed += np.float32(1)
        absorbed *= absorbed  # (1 + a / 4)⁴, within an eighth of eᵃ up to 1, and the same bits on every machine
        absorbed *= absorbed
        picture[channel] = over[channel] / absorbed
        for colour, opacity in layers.scattering:
            picture[channel] += opacity * (np.float32(colour[channel]) - picture[channel])
    return picture
