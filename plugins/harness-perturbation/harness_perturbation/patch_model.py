"""A Gaussian model of image patches, and what of a patch follows from the rest of it (Zintgraf et al. 2017, section 3.1)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from harness.api import to_float64

JITTER = 1e-6
"""Share of the mean variance that is added to the variances, of which few patches leave some at 0."""


class PatchModel(NamedTuple):
    """Patches of L pixels, each channel by itself.

    Attributes:
        mean: ``(C, L)``.
        covariance: ``(C, L, L)``.
        low, high: ``(C, 1)`` the least and the greatest value.
    """

    mean: Tensor
    covariance: Tensor
    low: Tensor
    high: Tensor


class Conditional(NamedTuple):
    """The distribution of some pixels of a patch, given the others.

    Attributes:
        inside, outside: which pixels these are, k and the other L − k.
        gain: ``(C, k, L − k)`` by which those outside move the mean.
        centre: ``(C, k, 1)`` the mean if all outside were 0.
        root: ``(C, k, k)`` Cholesky factor of the covariance.
    """

    inside: Tensor
    outside: Tensor
    gain: Tensor
    centre: Tensor
    root: Tensor

    def mean(self, patches: Tensor) -> Tensor:
        """``(B, C, k)`` of patches ``(B, C, L)``."""
        return (self.gain @ patches[..., self.outside, None] + self.centre)[..., 0]


def fit_patches(images: Tensor, side: int, corners: Tensor) -> PatchModel:
    """Mean and covariance of square patches of all ``images`` (N, C, H, W), whose corners are ``corners`` (P, 2) in [0, 1) of the room."""
    height, width = images.shape[-2:]
    total, squares, count = torch.zeros(()), torch.zeros(()), 0
    room = torch.tensor([height - side + 1, width - side + 1], device=corners.device)
    for top, left in (corners * room).long().tolist():
        patches = to_float64(images[..., top : top + side, left : left + side].flatten(2).transpose(0, 1))
        total = total.to(patches) + patches.sum(dim=1)
        squares = squares.to(patches) + patches.mT @ patches
        count += len(images)
    mean = total / count
    covariance = squares / count - mean[:, :, None] * mean[:, None]
    flat = images.transpose(0, 1).flatten(1)
    return PatchModel(mean, covariance, flat.amin(dim=1, keepdim=True), flat.amax(dim=1, keepdim=True))


def conditional(model: PatchModel, inside: Tensor) -> Conditional:
    """Distribution of the pixels ``inside`` (k,) given the others of the patch."""
    others = torch.ones(model.mean.shape[1], dtype=torch.bool, device=inside.device)
    others[inside] = False
    outside = others.nonzero()[:, 0]
    jitter = (JITTER * model.covariance.diagonal(dim1=1, dim2=2).mean(dim=1)).clamp(min=JITTER**2)
    covariance = model.covariance + jitter[:, None, None] * torch.eye(model.mean.shape[1]).to(model.covariance)
    inner, cross = (covariance[:, rows][:, :, inside] for rows in (inside, outside))
    outer = covariance[:, outside][:, :, outside]
    gain = torch.linalg.solve(outer, cross).mT
    centre = model.mean[:, inside, None] - gain @ model.mean[:, outside, None]
    left = inner - gain @ cross
    return Conditional(inside, outside, gain, centre, torch.linalg.cholesky((left + left.mT) / 2))
