"""Sizes of images that are compressed without loss: how much information they hold."""

from __future__ import annotations

import io
import math
from typing import Literal

import torch
from PIL import Image
from torch import Tensor

from harness.api.transfer import sent

Size = Literal["residuals", "webp"]
"""By whom an image is compressed: an ideal coder of prediction residuals, on the device, or WebP, on the CPU."""

LEVELS = 256


def compressed_sizes(images: Tensor, size: Size) -> Tensor:
    """Size in bytes ``(N,)``, double, of images ``(N, C, H, W)`` in [0, 1], rounded to 8 bits."""
    levels = images.clamp(0, 1).mul(LEVELS - 1).round().to(torch.uint8)
    return residual_bytes(levels) if size == "residuals" else webp_bytes(levels)


def residual_bytes(levels: Tensor) -> Tensor:
    """What an ideal coder makes of the residuals of a lossless predictor: the entropy of their histogram, times how many there are.

    Each pixel is predicted from those left, above and above left, by the median of left, above and left + above − corner (the predictor of
    JPEG-LS, Weinberger et al. 2000; those outside are 0). Of three channels green is taken from red and blue first, as WebP does. The
    residuals of each channel, modulo 256, are coded with as many bits as the logarithm of their frequency in the image.

    Args:
        levels: ``(N, C, H, W)`` uint8.

    Returns:
        ``(N,)`` double, 0 for a black image.
    """
    values = levels.to(torch.int16)
    if values.shape[1] == 3:
        green = values[:, 1:2]
        values = torch.cat([values[:, :1] - green, green, values[:, 2:] - green], dim=1).remainder(LEVELS)
    left, above, corner = (torch.zeros_like(values) for _ in range(3))
    left[..., 1:] = values[..., :-1]
    above[..., 1:, :] = values[..., :-1, :]
    corner[..., 1:, 1:] = values[..., :-1, :-1]
    low, high = torch.minimum(left, above), torch.maximum(left, above)
    predicted = (left + above - corner).clamp(low, high)
    residuals = (values - predicted).remainder(LEVELS).flatten(2).long()
    counts = torch.zeros(*residuals.shape[:2], LEVELS, dtype=torch.long, device=levels.device)
    counts = counts.scatter_add_(2, residuals, torch.ones_like(residuals)).double()
    bits = torch.xlogy(counts, residuals.shape[2] / counts.clamp_min(1)) / math.log(2)
    return bits.sum(dim=(1, 2)) / 8


def webp_bytes(levels: Tensor) -> Tensor:
    """Length of the file that lossless WebP makes of each of ``(N, C, H, W)`` uint8, as the authors of the metric measure it: ``(N,)``.

    Channels other than one or three are put below one another in a grey image.
    """
    arrays = levels.permute(0, 2, 3, 1) if levels.shape[1] == 3 else levels.flatten(1, 2)
    sizes = []
    for array in arrays.cpu().numpy():
        with io.BytesIO() as stream:
            Image.fromarray(array).save(stream, format="webp", lossless=True, quality=100)
            sizes.append(stream.tell())
    return sent(torch.tensor(sizes, dtype=torch.float64), levels.device)
