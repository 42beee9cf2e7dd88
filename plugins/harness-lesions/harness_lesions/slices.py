"""The slice that a tumour grows in, with what it needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness_lesions.shapes import Mask

Field = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Slice:
    """A head before it is scanned, ``(pixels, pixels)`` each, with lengths in millimetres.

    Attributes:
        head: intensities.
        white: share of white matter in each pixel.
        x, y: where each pixel is, to the image's right and up.
        depth: how far below the brain's surface, negative outside.
        deep: pixels deep within a hemisphere, where a glioma may begin.
        convexity: pixels below the part of the surface whose dura may bear a meningioma.
        sella: x and y of the middle of the cistern above the pituitary gland.
        pixel: side of a pixel.
    """

    head: Field
    white: Field
    x: Field
    y: Field
    depth: Field
    deep: Mask
    convexity: Mask
    sella: tuple[float, float]
    pixel: float
