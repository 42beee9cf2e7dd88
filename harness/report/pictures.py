"""Images, masks and maps as small pictures inside the page, and what a map's grey levels stand for."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.figures.colours import AGAINST_FOR, LEAST_MOST, colour_limit, from_least, is_signed
from harness.report.script_json import shorten

MOST_PIXELS = 256
"""The longer side of a map in the page; a larger one is averaged down."""
MOST_BYTES = 40_000
JPEG_QUALITY = 92


def encode_map(values: NDArray[np.floating], signed: bool) -> dict[str, Any]:
    """A map ``(h, w)`` as a grey 8-bit PNG with its scale.

    The level b of an unsigned map stands for ``base + scale (b / 255)²``; that of a signed one for ``scale q |q|`` with
    q = (b - 128) / 127: a square-root scale, as most values of a map are small beside its greatest. ``least`` is taken off before it is
    coloured, and ``limit`` gets the strongest colour, as in other pictures of maps. What is not finite is shown as 0.
    """
    shown = np.nan_to_num(_fit(np.asarray(values, dtype=np.float64)), posinf=0, neginf=0)
    signed = is_signed(shown, signed)
    drawn = from_least(shown, signed)
    base = 0.0 if signed else float(shown.min())
    scale = float(np.abs(shown - base).max())
    share = (shown - base) / scale if scale else np.zeros(shown.shape)
    roots = np.sign(share) * np.sqrt(np.abs(share))
    levels = np.round(roots * 127 + 128 if signed else roots * 255).astype(np.uint8)
    least = 0.0 if signed or drawn is shown else base
    return {
        "png": to_data_uri(Image.fromarray(levels), "PNG"),
        "signed": signed,
        "base": shorten(base, 7),
        "scale": shorten(scale, 7),
        "least": shorten(least, 7),
        "limit": shorten(colour_limit(drawn), 7),
    }


def _fit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map with its longer side at most `MOST_PIXELS`."""
    height, width = values.shape
    if max(height, width) <= MOST_PIXELS:
        return values
    share = MOST_PIXELS / max(height, width)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BOX), dtype=np.float64)


def encode_image(image: NDArray[np.float64]) -> str:
    """An image ``(H, W, C)`` in [0, 1]: as PNG, or as JPEG if it is in colours and would take more than `MOST_BYTES`."""
    levels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    if levels.shape[2] == 1 or (levels == levels[..., :1]).all():
        return to_data_uri(Image.fromarray(levels[..., 0]), "PNG")
    lossless = to_data_uri(Image.fromarray(levels), "PNG")
    return lossless if len(lossless) <= MOST_BYTES else to_data_uri(Image.fromarray(levels), "JPEG")


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """A mask ``(H, W)`` as a PNG of black and white."""
    return to_data_uri(Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).convert("1"), "PNG")


def to_data_uri(picture: Image.Image, form: str) -> str:
    """A picture as the text of an address that holds it."""
    content = io.BytesIO()
    picture.save(content, form, **({"quality": JPEG_QUALITY} if form == "JPEG" else {"optimize": True}))
    return f"data:image/{form.lower()};base64,{base64.b64encode(content.getvalue()).decode()}"


def colour_tables() -> dict[str, str]:
    """The colours of signed and unsigned maps as 256 hexadecimal RGB values each, from the least to the greatest."""
    steps = np.linspace(0, 1, 256)
    tables = {"signed": AGAINST_FOR, "unsigned": LEAST_MOST}
    return {name: np.round(np.asarray(table(steps))[:, :3] * 255).astype(np.uint8).tobytes().hex() for name, table in tables.items()}


def coarse_map(values: NDArray[np.floating], side: int = 14) -> NDArray[np.float64]:
    """A map ``(h, w)`` on a grid of ``side`` × ``side``, ``(side²,)``: averaged down, or bilinear where it is coarser."""
    shown = np.nan_to_num(np.asarray(values, dtype=np.float32), posinf=0, neginf=0)
    finer = min(shown.shape) >= side
    resized = Image.fromarray(shown).resize((side, side), Image.Resampling.BOX if finer else Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float64).ravel()
