"""Linear imputation against the direct sparse solution, the reference implementation and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_metrics import multigrid, noisy_linear
from harness_metrics.grid_operators import PooledGrids, SlicedGrids
from harness_metrics.noisy_linear import linear_imputation
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve


def direct(image, removed):
    """The same system solved in float64 by SuperLU: ``(C, H, W)``, ``(H, W)``."""
    height, width = removed.shape
    unknown = np.full((height, width), -1)
    unknown[removed] = np.arange(removed.sum())
    at = np.argwhere(removed)
    diagonal, rhs = np.zeros(len(at)), np.zeros((len(at), len(image)))
    entries = []
    for dy, dx in [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]:
        weight = 1 / 6 if dy * dx == 0 else 1 / 12
        y, x = at[:, 0] + dy, at[:, 1] + dx
        row = np.flatnonzero((y >= 0) & (y < height) & (x >= 0) & (x < width))
        column = unknown[y[row], x[row]]
        diagonal[row] += weight
        known = row[column < 0]
        rhs[known] += weight * image[:, y[known], x[known]].T
        entries.append(np.stack([row[column >= 0], column[column >= 0], np.full((column >= 0).sum(), -weight)]))
    rows, columns, values = np.concatenate([*entries, np.stack([np.arange(len(at)), np.arange(len(at)), diagonal])], axis=1)
    matrix = coo_array((values, (rows.astype(int), columns.astype(int)))).tocsc()
    solution = image.copy()
    solution[:, removed] = np.asarray(spsolve(matrix, rhs)).reshape(len(at), -1).T
    return solution


def removed_pixels(kind, shape, fraction, rng):
    """``(H, W)`` bool: exactly this share, scattered or in smooth regions."""
    field = rng.random(shape) if kind == "scattered" else gaussian_filter(rng.standard_normal(shape), shape[0] / 10, mode="constant")
    count = round(fraction * field.size)
    mask = np.zeros(field.size, dtype=bool)
    mask[field.ravel().argsort()[::-1][:count]] = True
    return mask.reshape(shape)


@pytest.mark.parametrize("operators", [SlicedGrids(), PooledGrids()])  # as on a CPU, and as elsewhere
@pytest.mark.parametrize("kind", ["scattered", "contiguous"])
@pytest.mark.parametrize(("shape", "fraction"), [((64, 64), 0.1), ((65, 48), 0.5), ((96, 96), 0.9), ((31, 120), 0.98), ((7, 5), 0.6)])
def test_equals_the_direct_sparse_solution(kind, shape, fraction, operators, monkeypatch):
    monkeypatch.setattr(multigrid, "operators_for", lambda device: operators)
    rng = np.random.default_rng(0)
    images = gaussian_filter(rng.standard_normal((3, 3, *shape)), (0, 0, 1, 1))
    images /= images.std()
    removed = np.stack([removed_pixels(kind, shape, fraction, rng) for _ in images])
    ours = linear_imputation(torch.tensor(images).float(), torch.tensor(removed)).numpy()
    for image, mask, solution in zip(images, removed, ours, strict=True):
        assert np.abs(solution - direct(image, mask)).max() < 1e-3
        assert np.array_equal(solution[:, ~mask], image[:, ~mask].astype(np.float32))


@pytest.mark.parametrize("kind", ["scattered", "contiguous"])
def test_equals_the_reference_implementation(kind):
    rng = np.random.default_rng(1)
    image = torch.tensor(rng.standard_normal((3, 24, 30))).float()
    removed = torch.tensor(removed_pixels(kind, (24, 30), 0.6, rng))
    theirs = NoisyLinearImputer(noise=0.0)(image, (~removed).float())
    torch.testing.assert_close(linear_imputation(image[None], removed[None])[0], theirs, atol=1e-3, rtol=0)


def test_a_linear_ramp_is_restored():
    """A plane satisfies the equation of every pixel whose neighbours are all in the image."""
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(50.0), indexing="ij")
    image = torch.stack([0.1 * x - 0.05 * y + 1, y / 40])[None]
    removed = torch.zeros(1, 40, 50, dtype=torch.bool)
    removed[:, 1:-1, 1:-1] = True
    torch.testing.assert_close(linear_imputation(image, removed), image, atol=5e-4, rtol=0)


def test_nothing_lies_outside_the_known_values():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 33, 33, generator=generator)
    removed = torch.rand(2, 33, 33, generator=generator) < 0.95
    imputed = linear_imputation(image, removed)
    for one, full, mask in zip(imputed, image, removed, strict=True):
        assert (one.amax((1, 2)) <= full[:, ~mask].amax(1) + 1e-4).all()
        assert (one.amin((1, 2)) >= full[:, ~mask].amin(1) - 1e-4).all()


def test_one_known_pixel_none_and_all():
    image = torch.rand(3, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    removed = torch.ones(3, 20, 20, dtype=torch.bool)
    removed[0, 3, 4] = False
    removed[2] = False
    imputed = linear_imputation(image, removed)
    torch.testing.assert_close(imputed[0], image[0, :, 3, 4].expand(1, 20, 20).contiguous(), atol=1e-4, rtol=0)
    torch.testing.assert_close(imputed[1], image[1].mean().expand(1, 20, 20).contiguous())
    assert torch.equal(imputed[2], image[2])


def test_a_solution_does_not_depend_on_its_neighbours(monkeypatch):
    rng = np.random.default_rng(2)
    images = torch.tensor(rng.standard_normal((6, 3, 40, 40))).float()
    removed = torch.tensor(np.stack([removed_pixels(k, (40, 40), f, rng) for k in ("scattered", "contiguous") for f in (0.1, 0.5, 0.9)]))
    together = linear_imputation(images, removed)
    monkeypatch.setattr(noisy_linear, "WORKING_SET", {"cpu": 1, "cuda": 1})
    torch.testing.assert_close(linear_imputation(images, removed), together, atol=2e-5, rtol=0)


def test_half_precision_images_keep_their_type():
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    removed = torch.zeros(1, 16, 16, dtype=torch.bool)
    removed[:, 4:9, 4:9] = True
    halved = linear_imputation(images.half(), removed)
    assert halved.dtype == torch.float16
    torch.testing.assert_close(halved.float(), linear_imputation(images, removed), atol=2e-3, rtol=0)


@pytest.mark.parametrize("window", [7, 15, 31])
@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.3])
def test_jagged_regions_take_no_more_iterations(window, fraction, monkeypatch):
    """The least relevant pixels of a smooth map: many small regions with thin parts, in which the smoother must not overshoot."""
    monkeypatch.setattr(noisy_linear, "ITERATIONS", 12)
    generator = torch.Generator().manual_seed(2)
    images = torch.nn.functional.avg_pool2d(torch.rand(2, 1, 160, 160, generator=generator), 5, 1, padding=2)
    field = torch.nn.functional.avg_pool2d(torch.rand(2, 1, 160, 160, generator=generator), window, 1, padding=window // 2)[:, 0]
    removed = field.flatten(1).argsort(dim=1).argsort(dim=1).view_as(field) < round(fraction * 160 * 160)
    for image, mask, ours in zip(images, removed, linear_imputation(images, removed), strict=True):
        assert np.abs(ours.numpy() - direct(image.double().numpy(), mask.numpy())).max() < 1e-4
