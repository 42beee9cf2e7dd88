"""Images under a Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

TRUNCATION = 4.0
"""Standard deviations beyond which a Gaussian is cut off, as in SciPy's ``gaussian_filter``."""


def gaussian_blur(images: Tensor, sigma: float, truncated: float = 1.0) -> Tensor:
    """``(B, C, H, W)`` under a separable Gaussian, ``truncated`` so many σ from its centre; borders reflected."""
    radius = min(max(1, round(truncated * sigma)), min(images.shape[-2:]) - 1)
    offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    padded = F.pad(images, (radius,) * 4, mode="reflect")
    blurred = F.conv2d(padded, kernel, groups=images.shape[1])
    return F.conv2d(blurred, kernel.transpose(-1, -2), groups=images.shape[1])


def zero_bordered_blur(images: Tensor, sigma: float) -> Tensor:
    """``(B, C, H, W)`` under a Gaussian of any width, 0 around the image; the image itself if ``sigma`` is 0."""
    if sigma == 0:
        return images
    rows, columns = (gaussian_matrix(side, sigma).to(images) for side in images.shape[-2:])
    return rows @ images @ columns.T


def gaussian_matrix(side: int, sigma: float) -> Tensor:
    """``(side, side)``: row i holds the weights of a Gaussian about i, which add up to 1 on an endless line."""
    radius = int(TRUNCATION * sigma + 0.5)
    line = torch.arange(-radius, radius + 1, dtype=torch.float64)
    mass = torch.exp(-0.5 * (line / sigma) ** 2).sum()
    places = torch.arange(side, dtype=torch.float64)
    distances = places[:, None] - places
    return torch.where(distances.abs() <= radius, torch.exp(-0.5 * (distances / sigma) ** 2) / mass, 0.0)
