"""Mosaics of n × n images at a given size."""

from __future__ import annotations

from itertools import pairwise
from math import isqrt

import torch
from torch import Tensor
from torch.nn import functional as F


def tiles(images: Tensor, side: int = 2) -> Tensor:
    """``(N, C, H, W)`` at a ``side``-th of their size, rounded up."""
    size = (-(-images.shape[-2] // side), -(-images.shape[-1] // side))
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


def mosaics(tiles: Tensor, size: tuple[int, int]) -> Tensor:
    """``(N, n², C, h, w)`` → ``(N, C, H, W)``, in reading order.

    Where H or W is no multiple of n, some tiles lose their last row or column.
    """
    side = isqrt(tiles.shape[1])
    rows, columns = (list(pairwise(_bounds(length, side))) for length in size)
    lines = [
        torch.cat([tiles[:, i * side + j, :, : end - start, : right - left] for j, (left, right) in enumerate(columns)], dim=-1)
        for i, (start, end) in enumerate(rows)
    ]
    return torch.cat(lines, dim=-2)


def quadrants(chosen: Tensor, size: tuple[int, int]) -> Tensor:
    """``(N, n²)`` bool → ``(N, H, W)`` bool, each tile of the mosaic as chosen.

    >>> quadrants(torch.tensor([[True, False, False, True]]), (2, 3)).int().tolist()
    [[[1, 0, 0], [0, 1, 1]]]
    """
    side = isqrt(chosen.shape[1])
    rows, columns = (_tile_of(length, side, chosen.device) for length in size)
    return chosen[:, rows[:, None] * side + columns]


def _bounds(length: int, side: int) -> list[int]:
    """Where the tiles of a side begin, and its end."""
    return [length * tile // side for tile in range(side + 1)]


def _tile_of(length: int, side: int, device: torch.device) -> Tensor:
    """``(length,)`` int64: in which tile each pixel of a side is."""
    pixels = torch.arange(length, device=device)
    return torch.stack([pixels >= bound for bound in _bounds(length, side)[1:-1]]).sum(dim=0)
