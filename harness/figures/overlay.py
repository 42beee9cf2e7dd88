"""One map over its image, as an array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.figures.colours import Array, Floats, colour_limit, from_least, is_signed, map_opacity, to_rgba

REC_601 = (0.299, 0.587, 0.114)


def overlay(image: Array, attribution: Array, signed: bool) -> NDArray[np.uint8]:
    """A map drawn over the grey image: uint8 ``(H, W, 3)``.

    Args:
        image: ``(H, W, 3)``, ``(H, W, 1)`` or ``(H, W)``; uint8, or float in [0, 1].
        attribution: ``(h, w)``, of any size: it is brought to the image's bilinearly.
        signed: warm for positive and cold for negative values; otherwise one scale from dark to light, from the map's least value on. A map
            with negative values is always drawn as signed.

    Raises:
        ValueError: for other shapes, or a map with values that are not finite.
    """
    background = to_luminance(image)
    values = resize_map(attribution, background.shape)
    signed = is_signed(values, signed)
    values = from_least(values, signed)
    scale = colour_limit(values)
    colours = to_rgba(values, signed, scale, map_opacity(values, scale))
    opaque = colours[..., 3:]
    blended = opaque * colours[..., :3] + (1 - opaque) * background[..., None]
    return np.round(blended * 255).astype(np.uint8)


def to_float_rgb(image: Array) -> Floats:
    """An image of any accepted form as ``(H, W, 3)`` in [0, 1]."""
    array = np.asarray(image)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3) or array.size == 0:
        raise ValueError(f"an image must be (H, W, 3), (H, W, 1) or (H, W), not {np.shape(image)}")
    scaled = array.astype(np.float64) / (255 if array.dtype == np.uint8 else 1)
    return np.ascontiguousarray(np.broadcast_to(np.clip(scaled, 0, 1), (*array.shape[:2], 3)))


def to_luminance(image: Array) -> Floats:
    """The luminance ``(H, W)`` in [0, 1] of an image of any accepted form (Rec. 601)."""
    luminance: Floats = to_float_rgb(image) @ np.array(REC_601)
    return luminance


def resize_map(attribution: Array, size: tuple[int, ...]) -> Floats:
    """A map ``(h, w)`` at ``size`` (H, W), bilinearly; checked to be finite."""
    values = np.asarray(attribution, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"a map must be (h, w), not {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("the map has values that are not finite")
    if values.shape == tuple(size):
        return values
    scale = float(np.abs(values).max()) or 1.0
    resized = Image.fromarray((values / scale).astype(np.float32)).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float64) * scale
