"""In-painting by normalised convolution (Knutsson and Westin 1993), repeated with a kernel of doubling width.

A removed pixel becomes the mean of the known pixels around it, weighted by a binomial kernel: the convolution of the known values divided
by that of their certainty (1 known, 0 removed). Where no known pixel is within reach, both are convolved again with the same kernel at
twice the spacing, so that a hole of any size is filled in a few rounds, its border by what is near, its middle by what is far.
"""

from __future__ import annotations

import torch
from torch import Tensor


def convolution_imputation(images: Tensor, removed: Tensor) -> Tensor:
    """Fill removed pixels by normalised convolution.

    Args:
        images: ``(N, C, H, W)``.
        removed: ``(N, H, W)`` bool. An image of which nothing is left becomes its mean colour.

    Returns:
        ``(N, C, H, W)``; known pixels are those of ``images`` to the last bit, others within the range of the known ones. Computed in
        float32, whatever the type of ``images``.
    """
    hopeless = removed.flatten(1).all(dim=1).view(-1, 1, 1, 1)
    certain = (~removed[:, None] | hopeless).to(torch.float32)
    values = certain * images.float()
    filled = values + hopeless * (values.mean((-2, -1), keepdim=True) - values)
    missing = certain == 0
    for doublings in range(max(images.shape[-2:]).bit_length()):  # the last kernel reaches across the image
        if missing.is_cpu and not missing.any():
            break  # of a device this is not asked: more rounds change nothing
        spacing = 2**doublings
        values, certain = _smoothed(values, spacing), _smoothed(certain, spacing)
        reached = missing & (certain > 0)
        filled = torch.where(reached, values / certain, filled)
        missing = missing & ~reached
    return torch.where(removed[:, None], filled.to(images.dtype), images)


def _smoothed(grid: Tensor, spacing: int) -> Tensor:
    """``(…, H, W)`` under the kernel (1 2 1)/4 of both directions with ``spacing`` pixels between its taps, zero outside."""
    for dim in (-2, -1):
        length = grid.shape[dim]
        smoothed = grid / 2
        if spacing < length:
            kept = length - spacing
            smoothed.narrow(dim, spacing, kept).add_(grid.narrow(dim, 0, kept), alpha=0.25)
            smoothed.narrow(dim, 0, kept).add_(grid.narrow(dim, spacing, kept), alpha=0.25)
        grid = smoothed
    return grid
