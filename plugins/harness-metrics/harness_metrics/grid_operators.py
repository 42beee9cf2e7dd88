"""Sums over neighbours, and transfers between grids, as `multigrid` takes them: as is fastest on a CPU, and in few operations for a GPU.

Fine grids have twice the lines of coarse ones, or one line less: the even lines are those of the coarse grid.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

OFFSETS = tuple((row, column) for row in range(3) for column in range(3))


class GridOperators(ABC):
    """The operators; each implementation gives the same numbers but for rounding."""

    @abstractmethod
    def neighbourhood_sum(self, x: Tensor) -> Tensor:
        """S x: the sum over 3 × 3 neighbours with weights (1 2 1)ᵀ(1 2 1), zero outside ``(N, C, H, W)``."""

    @abstractmethod
    def stencil_product(self, coefficients: Tensor) -> Callable[[Tensor], Tensor]:
        """The product of fields ``(N, K, h, w)`` with coefficients ``(N, 9, h, w)``, row by row over the 3 × 3 neighbours."""

    @abstractmethod
    def interpolated(self, coarse: Tensor, size: tuple[int, int]) -> Tensor:
        """P: values on every second pixel ``(N, C, ⌈H/2⌉, ⌈W/2⌉)`` → all pixels ``(N, C, H, W)``, bilinearly.

        A last odd line copies its neighbour.
        """

    @abstractmethod
    def restricted(self, fine: Tensor) -> Tensor:
        """Pᵀ, the transpose of `interpolated`: ``(N, C, H, W)`` → ``(N, C, ⌈H/2⌉, ⌈W/2⌉)``."""


class SlicedGrids(GridOperators):
    """Sums of slices, which a CPU does in its caches."""

    def neighbourhood_sum(self, x: Tensor) -> Tensor:
        """Along one direction after the other."""
        return _line_sum(_line_sum(x, -1), -2)

    def stencil_product(self, coefficients: Tensor) -> Callable[[Tensor], Tensor]:
        """Neighbour by neighbour."""
        height, width = coefficients.shape[-2:]
        planes = coefficients.unbind(dim=1)

        def product(x: Tensor) -> Tensor:
            padded = F.pad(x, (1, 1, 1, 1))
            result = planes[4][:, None] * x
            for (r, c), plane in zip(OFFSETS, planes, strict=True):
                if (r, c) != (1, 1):
                    result.addcmul_(plane[:, None], padded[..., r : r + height, c : c + width])
            return result

        return product

    def interpolated(self, coarse: Tensor, size: tuple[int, int]) -> Tensor:
        """Along one direction after the other."""
        return _refined(_refined(coarse, -2, size[0]), -1, size[1])

    def restricted(self, fine: Tensor) -> Tensor:
        """Along one direction after the other."""
        return _coarsened(_coarsened(fine, -1), -2)


class PooledGrids(GridOperators):
    """Windows, of which a GPU makes one pass each: (1 2 1) is (1 1) twice."""

    def neighbourhood_sum(self, x: Tensor) -> Tensor:
        """As sums over 2 × 2 pixels of sums over 2 × 2 pixels."""
        return _sum_of_four(_sum_of_four(x, padding=1))

    def stencil_product(self, coefficients: Tensor) -> Callable[[Tensor], Tensor]:
        """As one product of windows, and its sum."""
        each = coefficients.unflatten(1, (3, 3)).permute(0, 3, 4, 1, 2)[:, None].contiguous()
        return lambda x: (F.pad(x, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1) * each).sum((-2, -1))

    def interpolated(self, coarse: Tensor, size: tuple[int, int]) -> Tensor:
        """As a resized image whose corners are where they were, after one more line where a last odd one has no neighbour."""
        rows, columns = (length + 1 - length % 2 for length in size)
        if (rows, columns) != size:
            coarse = F.pad(coarse, (0, columns - size[1], 0, rows - size[0]), mode="replicate")
        return F.interpolate(coarse, size=(rows, columns), mode="bilinear", align_corners=True)[..., : size[0], : size[1]]

    def restricted(self, fine: Tensor) -> Tensor:
        """As sums over 2 × 2 pixels of sums over 2 × 2 pixels, every second one."""
        rows, columns = fine.shape[-2:]
        pairs = _sum_of_four(fine * _edge(rows, columns, fine.dtype, fine.device), padding=1, divisor=2)
        return _sum_of_four(pairs, stride=2, divisor=2)


def operators_for(device: torch.device) -> GridOperators:
    """What is fast there."""
    return SlicedGrids() if device.type == "cpu" else PooledGrids()


def _sum_of_four(x: Tensor, padding: int = 0, stride: int = 1, divisor: int = 1) -> Tensor:
    return F.avg_pool2d(x, 2, stride, padding, divisor_override=divisor)


@lru_cache(maxsize=64)
def _edge(rows: int, columns: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """``(H, W)`` 1, and 2 in a last odd line: it belongs to one coarse line alone, and counts whole there."""
    with torch.inference_mode(False):
        edge = torch.ones(rows, columns, dtype=dtype, device=device)
        edge[rows - 1 + rows % 2 :] *= 2
        edge[:, columns - 1 + columns % 2 :] *= 2
        return edge


def _line_sum(x: Tensor, dim: int) -> Tensor:
    """The sum over neighbours along ``dim`` with weights (1 2 1), as sums of sums of pairs; zero outside."""
    length = x.shape[dim]
    shape = list(x.shape)
    shape[dim] = length + 1
    pairs = x.new_empty(shape)
    torch.add(x.narrow(dim, 0, length - 1), x.narrow(dim, 1, length - 1), out=pairs.narrow(dim, 1, length - 1))
    pairs.select(dim, 0).copy_(x.select(dim, 0))
    pairs.select(dim, length).copy_(x.select(dim, length - 1))
    return pairs.narrow(dim, 0, length) + pairs.narrow(dim, 1, length)


def _refined(coarse: Tensor, dim: int, length: int) -> Tensor:
    """Interpolation along one dimension, -1 or -2: even lines are those of ``coarse``, odd ones the mean of their neighbours."""
    shape = list(coarse.shape)
    shape[dim] = length
    fine = coarse.new_empty(shape)
    even, odd = _lines(fine, dim)
    even.copy_(coarse)
    between = coarse.shape[dim] - 1
    torch.lerp(coarse.narrow(dim, 0, between), coarse.narrow(dim, 1, between), 0.5, out=odd.narrow(dim, 0, between))
    if odd.shape[dim] > between:
        odd.select(dim, between).copy_(coarse.select(dim, between))
    return fine


def _coarsened(fine: Tensor, dim: int) -> Tensor:
    """The transpose of `_refined`: even lines, each with half of the odd ones beside it; a last odd one counts whole."""
    even, odd = _lines(fine, dim)
    coarse = even.clone(memory_format=torch.contiguous_format)
    between = coarse.shape[dim] - 1
    coarse.narrow(dim, 0, between).add_(odd.narrow(dim, 0, between), alpha=0.5)
    coarse.narrow(dim, 1, between).add_(odd.narrow(dim, 0, between), alpha=0.5)
    if odd.shape[dim] > between:
        coarse.select(dim, between).add_(odd.select(dim, between))
    return coarse


def _lines(grid: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Views of the even and of the odd lines along ``dim``, -1 or -2."""
    if dim == -1:
        return grid[..., 0::2], grid[..., 1::2]
    return grid[..., 0::2, :], grid[..., 1::2, :]
