"""The parts of the solver against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_metrics.grid_operators import PooledGrids, SlicedGrids
from harness_metrics.multigrid import coarse_level, hierarchy, pixel_level

OPERATORS = [SlicedGrids(), PooledGrids()]  # as on a CPU, and as elsewhere


def dense(operation, shape):
    """The matrix of a linear operation on grids of one shape."""
    unit = torch.eye(shape[0] * shape[1]).view(1, -1, *shape)
    return operation(unit)[0].flatten(1).T


@pytest.mark.parametrize("operators", OPERATORS)
@pytest.mark.parametrize("size", [(8, 8), (9, 12), (7, 5), (2, 1), (1, 6)])
def test_neighbours_count_by_their_binomials(size, operators):
    line = [torch.diag(torch.full((n,), 2.0)) + torch.diag(torch.ones(n - 1), 1) + torch.diag(torch.ones(n - 1), -1) for n in size]
    torch.testing.assert_close(dense(operators.neighbourhood_sum, size), torch.kron(*line))


@pytest.mark.parametrize("operators", OPERATORS)
@pytest.mark.parametrize("size", [(8, 8), (9, 12), (7, 5), (2, 1), (1, 6)])
def test_interpolation_is_linear_between_even_lines(size, operators):
    """The same as by NumPy, one direction after the other, beyond the last even line its value."""
    lines = [np.stack([np.interp(np.arange(n), np.arange(0, n, 2), unit) for unit in np.eye((n + 1) // 2)], axis=1) for n in size]
    coarse = ((size[0] + 1) // 2, (size[1] + 1) // 2)
    up = dense(lambda x: operators.interpolated(x, size), coarse)
    torch.testing.assert_close(up, torch.tensor(np.kron(*lines)).float())


@pytest.mark.parametrize("operators", OPERATORS)
@pytest.mark.parametrize("size", [(8, 8), (9, 12), (7, 5), (2, 1), (1, 6)])
def test_restriction_is_the_transpose_of_interpolation(size, operators):
    coarse = ((size[0] + 1) // 2, (size[1] + 1) // 2)
    up = dense(lambda x: operators.interpolated(x, size), coarse)
    torch.testing.assert_close(dense(operators.restricted, size), up.T)
    torch.testing.assert_close(up.sum(dim=1), torch.ones(size[0] * size[1]))


@pytest.mark.parametrize("operators", OPERATORS)
@pytest.mark.parametrize("size", [(12, 12), (13, 10)])
def test_coarse_operator_is_the_galerkin_product(size, operators):
    free = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0)) < 0.7
    fine = pixel_level(free.float(), operators)
    coarse = coarse_level(fine)
    for i in range(2):
        mask = free[i, 0].flatten().float()
        A = dense(fine.apply, size) * mask[:, None] * mask
        P = dense(lambda x: operators.interpolated(x, size), coarse.size) * mask[:, None]
        active = coarse.free[i, 0].flatten()
        expected = (P.T @ A @ P) * active[:, None] * active
        unit = torch.eye(len(active)).view(1, -1, *coarse.size).expand(2, -1, -1, -1)
        torch.testing.assert_close(coarse.apply(unit)[i].flatten(1).T, expected, atol=1e-4, rtol=1e-4)


def scattered():
    return torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(1)) < 0.9


def lone_pixels():
    """Every fourth pixel, between coarse points: four of these stand for each, with the same coefficients."""
    free = torch.zeros(1, 1, 24, 24, dtype=torch.bool)
    free[..., 3::4, 3::4] = True
    return free


def blobs():
    """Small regions with thin and jagged parts, as the least relevant pixels of a smooth map are."""
    field = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(2))
    smooth = torch.nn.functional.avg_pool2d(field, 3, 1, padding=1)
    return smooth < smooth.flatten().sort().values[115]


@pytest.mark.parametrize("operators", OPERATORS)
@pytest.mark.parametrize("shape", [scattered, lone_pixels, blobs])
def test_preconditioner_is_symmetric_and_close_to_the_inverse(shape, operators):
    free = shape()
    grids = hierarchy(free, operators)
    which = free.flatten().nonzero()[:, 0]
    M = dense(grids.precondition, (24, 24))[which][:, which]
    A = dense(grids.finest.apply, (24, 24))[which][:, which]
    torch.testing.assert_close(M, M.T, atol=1e-5, rtol=1e-4)
    eigenvalues = torch.linalg.eigvals(M.double() @ A.double()).real
    assert eigenvalues.min() > 0.5
    assert eigenvalues.max() < 1.2
