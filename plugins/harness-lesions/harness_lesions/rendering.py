"""From a binary shape to a lesion with a soft edge, and from lesions and a background to an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from harness.api import exact
from harness_lesions.shapes import LesionClass, Mask

Image = NDArray[np.float32]

PADDING, SIGMA = 2, 0.75
LEVELS: dict[LesionClass, float] = {"regular": 0.2, "irregular": 0.15}
"""Smoothed intensities up to this are 0. The published lesions have a level for each class, which gives both about the same energy."""


def rendered(mask: Mask, name: LesionClass, scale: float = 1.0) -> Image:
    """A lesion's intensity in [0, 1]: smoothed, enlarged by ``scale``, without empty margins."""
    return trimmed(enlarged(smoothed(mask, name), scale))


def smoothed(mask: Mask, name: LesionClass) -> Image:
    """A shape padded by 2 on each side, under a Gaussian of σ 0.75, and cut off at its class's level."""
    smooth = exact.gaussian_filter(np.pad(mask, PADDING).astype(np.float64), SIGMA)
    smooth[smooth <= LEVELS[name]] = 0
    return smooth.astype(np.float32)


def enlarged(lesion: Image, scale: float) -> Image:
    """Enlarged bilinearly, with 0 outside, so that the border stays 0 and no box can be seen.

    (The published lesions were enlarged with mirrored borders, which leaves up to 0.06 on the edge of the box.)
    """
    if scale == 1:
        return lesion
    return np.asarray(ndimage.zoom(lesion, scale, order=1, mode="grid-constant", grid_mode=True), dtype=np.float32)


def trimmed(lesion: Image) -> Image:
    """Without the rows and columns at the sides that are all 0."""
    rows, columns = np.flatnonzero(lesion.any(1)), np.flatnonzero(lesion.any(0))
    return lesion[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def composed(background: Image, lesions: Image, intensity: float) -> Image:
    """White laid over the background with the opacity ``intensity`` · lesions: B (1 − wL) + wL; B itself where L is 0."""
    return background + intensity * lesions * (1 - background)
