"""Quadrants of a mosaic that hold images of the target class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def target_quadrants(masks: Array) -> Array:
    """``(B, 4)`` truth: top left, top right, bottom left, bottom right, of masks ``(B, H, W)``.

    A mask that is not made of whole quadrants is of no mosaic: it has none.
    """
    half_height, half_width = masks.shape[1] // 2, masks.shape[2] // 2
    parts = [
        masks[:, rows, columns].reshape(len(masks), -1)
        for rows in (slice(half_height), slice(half_height, None))
        for columns in (slice(half_width), slice(half_width, None))
    ]
    full = np.stack([part.all(axis=1) for part in parts], axis=1)
    touched = np.stack([part.any(axis=1) for part in parts], axis=1)
    quadrants: Array = full & (full == touched).all(axis=1, keepdims=True)
    return quadrants
