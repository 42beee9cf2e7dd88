"""Overlapping segments of an image at several scales, as XRAI has them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.segmentation import felzenszwalb
from skimage.transform import resize
from torch import Tensor
from torch.nn.functional import conv2d

SCALES = (50, 100, 150, 250, 500, 1200)
SIGMA, SMALLEST = 0.8, 150


def overlapping_segments(picture: NDArray[np.float64], dilation: int, side: int = 224) -> Tensor:
    """``(S, H, W)`` bool: segments of a picture ``(H, W, C)`` by Felzenszwalb and Huttenlocher's method, at six scales.

    The picture is brought to ``side`` × ``side`` pixels for that, of which a segment has 150, and to −1 … 1; one of a single colour is one
    segment. Each is grown by the pixels within ``dilation`` of it.
    """
    low, high = picture.min(), picture.max()
    scaled = (picture - low) / (high - low) * 2 - 1 if high > low else np.zeros_like(picture)
    enlarged = resize(scaled, (side, side), order=3, mode="constant", preserve_range=True, anti_aliasing=True)
    found = []
    for scale in SCALES:
        labels = felzenszwalb(enlarged, scale=scale, sigma=SIGMA, min_size=SMALLEST, channel_axis=-1)
        labels = resize(labels, picture.shape[:2], order=0, preserve_range=True, mode="constant", anti_aliasing=False).astype(int)
        found += [labels == label for label in range(labels.min(), labels.max() + 1)]
    return grown(torch.from_numpy(np.stack(found)), dilation)


def grown(segments: Tensor, radius: int) -> Tensor:
    """Segments ``(S, H, W)`` bool and all pixels whose distance from one is at most ``radius``."""
    if radius == 0:
        return segments
    line = torch.arange(-radius, radius + 1)
    disc = (line[:, None] ** 2 + line**2 <= radius**2).float()[None, None]
    return conv2d(segments[:, None].float(), disc, padding=radius)[:, 0] > 0.5
