"""From a map's values to colours: robust scales, and transparency where there is no evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]

PERCENTILE = 99.5
OPACITY = 0.85
COVERING_OPACITY = 0.5  # opacity of the strongest colour of a map that covers the image
SPARSE_STRENGTH, COVERING_STRENGTH = (
    0.2,
    0.5,
)  # mean of a map's relative strength: up to the first it hides little, from the second on it covers the image
OPACITY_EXPONENT = 0.7

AGAINST_FOR: Colormap = LinearSegmentedColormap.from_list(
    "against-for", ["#4fc3f7", "#1e6fd9", "#1a3fa8", "#7d7d8c", "#b3171d", "#e8391d", "#ffb000"]
)
LEAST_MOST: Colormap = LinearSegmentedColormap.from_list("least-most", ["#3d0a6e", "#8f2469", "#dd4a3a", "#fb9a06", "#f8e34a"])


def is_signed(values: Array, signed: bool) -> bool:
    """Whether a map is coloured as signed: where its method is, and where it has negative values anyway."""
    return signed or bool((values < 0).any())


def from_least(values: Floats, signed: bool) -> Floats:
    """What is drawn of a map: itself if it is signed, else by how much it is above its least value, unless it is the same everywhere.

    What an unsigned map is everywhere says nothing of any place: RISE's, expected probabilities, lie close together far from 0.
    """
    least = values.min()
    return values if signed or least == values.max() else values - least


def colour_limit(values: Array, percentile: float = PERCENTILE) -> float:
    """The absolute value that gets the strongest colour: a percentile of all absolute values, or their maximum where that is 0.

    A percentile keeps a few outlying pixels from making all others invisible; 0 for a map that is 0 everywhere.
    """
    sizes = np.abs(values)
    return float(np.percentile(sizes, percentile)) or float(sizes.max())


def map_opacity(values: Array, scale: float) -> float:
    """Opacity of the strongest colour of a map: `OPACITY`, less where the map covers much, so that the image is seen through it.

    A map of few strong pixels leaves the image beside them; one that is strong nearly everywhere, as class activation maps are, leaves
    none: its strongest colour is half transparent.
    """
    covered = float((np.abs(_relative(values, scale)) ** OPACITY_EXPONENT).mean())
    return OPACITY - (OPACITY - COVERING_OPACITY) * min(max((covered - SPARSE_STRENGTH) / (COVERING_STRENGTH - SPARSE_STRENGTH), 0.0), 1.0)


def to_rgba(values: Array, signed: bool, scale: float, opacity: float = OPACITY) -> Floats:
    """RGBA in [0, 1] ``(…, 4)`` of a map ``(…)``.

    Signed maps are warm where positive and cold where negative, symmetric about 0; unsigned ones run from dark to light. Opacity grows
    with the absolute value from 0 at 0 to ``map_opacity`` at ``scale`` and beyond, so that where there is no evidence the image is seen.
    """
    relative = _relative(values, scale)
    rgba = np.asarray(AGAINST_FOR((relative + 1) / 2) if signed else LEAST_MOST(relative), dtype=np.float64)
    rgba[..., 3] = opacity * np.abs(relative) ** OPACITY_EXPONENT
    return rgba


def _relative(values: Array, scale: float) -> Floats:
    """Values in [-1, 1], in parts of the scale."""
    return np.zeros(values.shape) if scale == 0 else np.clip(np.asarray(values, dtype=np.float64) / scale, -1, 1)
