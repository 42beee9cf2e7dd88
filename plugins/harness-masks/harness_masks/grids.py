"""Quasi-random masks of a grid's cells."""

from __future__ import annotations

import torch
from scipy.stats import qmc
from torch import Tensor

from harness.api.masking import Shares
from harness.api.transfer import sent


def sobol_points(count: int, dimensions: int, images: Tensor) -> Tensor:
    """The first ``count`` points of Sobol's sequence in [0, 1), not scrambled: ``(count, dimensions)``, on the images' device.

    They are exact in float32 up to 2²⁴ points, and belong to no seed.
    """
    doublings = (count - 1).bit_length()
    points = qmc.Sobol(dimensions, scramble=False).random_base2(doublings)[:count]
    return sent(torch.from_numpy(points).to(images.dtype), images.device)


def grid_masks(shares: Tensor, cells: int, images: Tensor) -> Shares:
    """Masks of which each cell of a grid has one share: ``(N, cells²)``, row by row, of images (B, C, H, W).

    Cells are of equal size, or nearly (nearest-neighbour enlargement).
    """
    height, width = images.shape[-2:]
    rows = torch.arange(height, device=images.device) * cells // height
    columns = torch.arange(width, device=images.device) * cells // width
    place = rows[:, None] * cells + columns
    return lambda part: shares[part.start : part.stop][:, place][:, None]
