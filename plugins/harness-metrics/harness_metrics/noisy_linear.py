"""Noisy linear imputation (Rong et al. 2022), solved for a whole batch of masks on the device.

Every removed pixel becomes the weighted mean of its neighbours inside the image, 1/6 for direct and 1/12 for diagonal ones (their section
4.2); removed neighbours are unknowns of the same linear system. Conjugate gradients with the preconditioner of `multigrid` need five to
nine iterations, whatever the share and the shape of the removed pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness_metrics.multigrid import Hierarchy, hierarchy

TOLERANCE = 2e-5
"""Largest estimated error of a pixel, as a share of the range of the image's known values."""

ITERATIONS = 100
UNWATCHED = 5
"""Iterations that a device makes before it is asked whether they are enough: it rarely takes fewer, and asking has it wait."""

WORKING_SET = {"cpu": 2 << 20, "cuda": 128 << 20}
"""Bytes of one field of unknowns that is solved at once: what stays in a CPU's cache, what fills a GPU."""


def linear_imputation(images: Tensor, removed: Tensor, tolerance: float = TOLERANCE) -> Tensor:
    """Fill removed pixels with the solution of the linear system.

    Args:
        images: ``(N, C, H, W)``.
        removed: ``(N, H, W)`` bool. An image of which nothing is left becomes its mean colour.
        tolerance: largest estimated error of a pixel as a share of the range of the image's known values.

    Returns:
        ``(N, C, H, W)``; known pixels are those of ``images`` to the last bit. Computed in float32, whatever the type of ``images``.
    """
    one = images[0].numel() * torch.float32.itemsize
    size = max(1, WORKING_SET["cpu" if images.device.type == "cpu" else "cuda"] // one)
    parts = [slice(start, start + size) for start in range(0, len(images), size)]
    filled = torch.cat([_solved(images[part].float(), removed[part, None], tolerance) for part in parts])
    return torch.where(removed[:, None], filled.to(images.dtype), images)


def _solved(images: Tensor, removed: Tensor, tolerance: float) -> Tensor:
    """`linear_imputation` of a part that is small enough to be solved at once; ``removed`` is ``(N, 1, H, W)``."""
    hopeless = removed.flatten(1).all(dim=1).view(-1, 1, 1, 1)
    free = removed & ~hopeless
    start = torch.where(removed, _mean_colour(images, ~removed | hopeless), images)
    known = torch.where(free, start.mean((-2, -1), keepdim=True), start).flatten(1)
    enough = tolerance * (known.amax(dim=1) - known.amin(dim=1)).view(-1, 1, 1, 1)
    grids = hierarchy(free)
    around = grids.finest.operators.neighbourhood_sum
    residual = (around(start) - around(torch.ones_like(start[:1, :1])) * start) * grids.finest.free
    return start + _conjugate_gradients(grids, residual, enough)


def _mean_colour(images: Tensor, counted: Tensor) -> Tensor:
    """``(N, C, 1, 1)`` mean over the pixels that count."""
    return (images * counted).sum((-2, -1), keepdim=True) / counted.sum((-2, -1), keepdim=True)


def _conjugate_gradients(grids: Hierarchy, residual: Tensor, enough: Tensor) -> Tensor:
    """The solution of A x = ``residual``, each system frozen once its estimated error is small enough.

    The estimate is the preconditioned residual, so that a system's solution does not depend on its neighbours in the batch.
    """
    x = torch.zeros_like(residual)
    z = grids.precondition(residual)
    direction, slope = z, _dot(residual, z)
    running = torch.ones_like(enough, dtype=torch.bool)
    for iteration in range(ITERATIONS):
        running = running & (z.abs().amax(dim=(1, 2, 3), keepdim=True) > enough)
        if (running.is_cpu or iteration >= UNWATCHED) and not running.any():
            break
        image = grids.finest.apply(direction)
        step = running * _ratio(slope, _dot(direction, image))
        x.addcmul_(step, direction)
        residual = torch.addcmul(residual, step, image, value=-1)
        z = grids.precondition(residual)
        slope, before = _dot(residual, z), slope
        direction = torch.addcmul(z, _ratio(slope, before), direction)
    return x


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((-2, -1), keepdim=True)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, 0 where b vanishes: a system that is solved exactly."""
    return torch.where(b > 0, a / b, 0)
