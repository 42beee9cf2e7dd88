"""A multigrid preconditioner for linear imputation: a V-cycle on the pixel grid, for a whole batch of masks at once.

The operator is the 3 × 3 stencil ``A = diag(S 1) − S`` on the unknown pixels, S the binomial sum (1 2 1)ᵀ(1 2 1) over the neighbours
inside the image: symmetric, and positive definite as soon as one pixel of an image is known. Coarse grids keep every second pixel; values
between them are interpolated bilinearly and vanish on known pixels, and the coarse operators are the Galerkin products PᵀAP, 3 × 3 stencils
again (Briggs, Henson and McCormick, *A Multigrid Tutorial*, chapters 3 and 10). So the cost does not depend on whether the unknown pixels
are scattered or one region.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from harness_metrics.grid_operators import OFFSETS, GridOperators, operators_for

DAMPING = 0.9
"""Of the Jacobi smoother: 1 smooths the pixel stencil best (by 1/3), 8/9 the coarse ones."""

COARSEST = 64
"""Grids of at most so many points are solved directly."""

NEGLIGIBLE = 1e-2
"""A coarse unknown whose diagonal is below this (interior: 6 to 16) represents next to no pixel, and is left out."""

RIDGE = 1e-3
"""Added to the coarsest operator: it is singular where two coarse points stand for the same lone pixel."""

CENTRE = 4


@dataclass(frozen=True)
class Level:
    """One grid: its unknowns, its operator and its smoother.

    Attributes:
        free: ``(N, 1, h, w)`` float, 1 where there is an unknown.
        smoother: ``(N, 1, h, w)`` damping / diagonal at unknowns, 0 elsewhere.
        apply: ``(N, K, h, w)`` → A x of the same shape, for x that vanishes outside the unknowns; not restricted to them.
        operators: between this grid and the next.
    """

    free: Tensor
    smoother: Tensor
    apply: Callable[[Tensor], Tensor]
    operators: GridOperators

    @property
    def size(self) -> tuple[int, int]:
        """``(h, w)``."""
        return self.free.shape[-2], self.free.shape[-1]

    def residual(self, x: Tensor, rhs: Tensor) -> Tensor:
        """``rhs − A x``, meaningful at unknowns only."""
        return torch.sub(rhs, self.apply(x))


@dataclass(frozen=True)
class Hierarchy:
    """All grids of a batch of N masks, finest first, and the inverse of the coarsest operator ``(N, n, n)``."""

    levels: tuple[Level, ...]
    inverse: Tensor

    @property
    def finest(self) -> Level:
        """The grid of the pixels themselves."""
        return self.levels[0]

    def precondition(self, residual: Tensor) -> Tensor:
        """One symmetric V(1, 1) cycle from zero: an approximation of A⁻¹ times ``residual`` (N, C, H, W)."""
        return self._cycle(residual, 0)

    def _cycle(self, rhs: Tensor, depth: int) -> Tensor:
        level = self.levels[depth]
        if depth == len(self.levels) - 1:
            return torch.bmm(rhs.flatten(2), self.inverse).view_as(rhs)
        x = level.smoother * rhs
        coarse = self._cycle(level.operators.restricted(level.residual(x, rhs).mul_(level.free)), depth + 1)
        x.addcmul_(level.free, level.operators.interpolated(coarse, level.size))
        return x.addcmul_(level.smoother, level.residual(x, rhs))


def hierarchy(free: Tensor, operators: GridOperators | None = None) -> Hierarchy:
    """The grids for unknown pixels ``free`` (N, 1, H, W), bool; every image must have a known pixel, or no unknown one."""
    levels = [pixel_level(free.to(torch.float32), operators or operators_for(free.device))]
    while levels[-1].size[0] * levels[-1].size[1] > COARSEST:
        levels.append(coarse_level(levels[-1]))
    return Hierarchy(tuple(levels), dense_inverse(levels[-1]))


def pixel_level(free: Tensor, operators: GridOperators) -> Level:
    """The finest grid: the constant stencil of linear imputation, whose diagonal is S 1 less the centre of S."""
    weights = operators.neighbourhood_sum(torch.ones_like(free[:1]))

    def apply(x: Tensor) -> Tensor:
        return operators.neighbourhood_sum(x).neg_().addcmul_(weights, x)

    diagonal = weights - 4
    return Level(free, free * (DAMPING / diagonal), apply, operators)


def coarse_level(fine: Level) -> Level:
    """The Galerkin operator on every second pixel of ``fine``, found by probing it with nine interleaved combs."""
    operators = fine.operators
    combs, which = _combs((fine.size[0] + 1) // 2, (fine.size[1] + 1) // 2, fine.free.device)
    probes = operators.interpolated(combs, fine.size) * fine.free
    answers = operators.restricted(fine.apply(probes).mul_(fine.free))
    return stencil_level(answers.gather(1, which.expand(len(answers), -1, -1, -1)), operators)


def stencil_level(stencil: Tensor, operators: GridOperators) -> Level:
    """A grid whose operator has the coefficients ``stencil`` (N, 9, h, w), row by row over the 3 × 3 neighbours."""
    height, width = stencil.shape[-2:]
    diagonal = stencil[:, CENTRE : CENTRE + 1]
    free = (diagonal > NEGLIGIBLE).to(stencil)
    around = F.pad(free, (1, 1, 1, 1))
    neighbours = torch.cat([around[..., r : r + height, c : c + width] for r, c in OFFSETS], dim=1)
    coefficients = stencil * free * neighbours
    bounded = torch.maximum(diagonal, coefficients.abs().sum(dim=1, keepdim=True) / 2)  # no eigenvalue of A over this is above 2
    return Level(free, free * DAMPING / bounded.clamp_min(NEGLIGIBLE), operators.stencil_product(coefficients), operators)


def dense_inverse(level: Level) -> Tensor:
    """The inverse ``(N, n, n)`` of a small grid's operator plus `RIDGE` on its n points, zero in rows and columns without an unknown."""
    points = level.size[0] * level.size[1]
    unit = torch.eye(points, device=level.free.device, dtype=level.free.dtype).view(1, points, *level.size)
    free = level.free.flatten(1)
    matrix = (level.apply(unit * level.free) * level.free).flatten(2)
    inverse: Tensor = torch.linalg.inv_ex(matrix + torch.diag_embed(1 - (1 - RIDGE) * free)).inverse  # which asks for no errors
    return inverse * free[:, None] * free[:, :, None]


@lru_cache(maxsize=64)
def _combs(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Nine combs of points, of which any 3 × 3 neighbourhood holds one of each, and the combs of each point's neighbours.

    ``(1, 9, h, w)`` float, 1 on the comb, and ``(9, h, w)`` int64.
    """
    with torch.inference_mode(False):
        rows, columns = torch.arange(height, device=device)[:, None], torch.arange(width, device=device)
        combs = F.one_hot((rows % 3) * 3 + columns % 3, 9).permute(2, 0, 1)[None].to(torch.float32)
        return combs, torch.stack([((rows + r - 1) % 3) * 3 + (columns + c - 1) % 3 for r, c in OFFSETS])
