"""Places of lesions: anywhere in the brain where they fit, all places equally likely, none touching another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from scipy.signal import fftconvolve

from harness_lesions.rendering import Image
from harness_lesions.shapes import Mask

GAP = ndimage.generate_binary_structure(2, 2)


class NoRoom(ValueError):
    """A lesion fits nowhere into what is left of the brain."""


def placed(lesions: Sequence[Image], brain: Mask, generator: np.random.Generator) -> Image:
    """One image of ``brain``'s size with every lesion in it; at least one pixel lies between two lesions.

    Raises `NoRoom` where a lesion does not fit.
    """
    canvas = np.zeros(brain.shape, dtype=np.float32)
    free = brain.copy()
    for lesion in lesions:
        support = lesion > 0
        row, column = drawn_place(free, support, generator)
        window = slice(row, row + support.shape[0]), slice(column, column + support.shape[1])
        canvas[window] += lesion
        free &= ~ndimage.binary_dilation(canvas > 0, GAP)
    return canvas


def drawn_place(free: Mask, support: Mask, generator: np.random.Generator) -> tuple[int, int]:
    """The top left corner of one of the places where all of ``support`` lies on ``free``."""
    if any(part > whole for part, whole in zip(support.shape, free.shape, strict=True)):
        raise NoRoom(f"a lesion of {support.shape} pixels does not fit into an image of {free.shape}")
    fitting = fftconvolve(free.astype(np.float32), support[::-1, ::-1].astype(np.float32), mode="valid")
    places = np.flatnonzero(fitting.ravel() > support.sum() - 0.5)
    if len(places) == 0:
        raise NoRoom(f"a lesion of {support.shape} pixels fits nowhere into what is left of the brain")
    row, column = np.unravel_index(places[generator.integers(len(places))], fitting.shape)
    return int(row), int(column)
