"""The equations: from a layer's activations and the gradients of the target's logit to a map, before any ReLU.

Each function takes activations A and gradients g = ∂y/∂A, both ``(B, K, h, w)``, and returns ``(B, h, w)``.
"""

from __future__ import annotations

import torch
from torch import Tensor


def grad_cam_map(activations: Tensor, gradients: Tensor) -> Tensor:
    """Σₖ αₖ Aₖ, where αₖ is the mean gradient of channel k (Selvaraju et al. 2017, equations 1 and 2 without the ReLU)."""
    weights = gradients.mean(dim=(2, 3))
    return weighted_map(activations, weights)


def grad_cam_plus_plus_map(activations: Tensor, gradients: Tensor) -> Tensor:
    """Σₖ wₖ Aₖ, where wₖ = Σ α ReLU(g) and α = g² / (2 g² + g³ Σ A) (Chattopadhay et al. 2018, equations 7 and 19).

    The paper derives α from Y = exp(y), whose derivatives are exp(y) times powers of g. The factor exp(y) that is left before each
    weight is one positive number per sample, which overflows for large logits and orders nothing: it is left out. Cancelling g²
    gives α = 1 / (2 + g Σ A), which needs no constant against division by zero, as A ≥ 0 makes it at most ½ wherever ReLU(g) > 0.
    Where a layer's activations sum to less than zero (it has no ReLU) α can have a pole; a weight exactly on it is 0.
    """
    denominator = 2 + gradients * activations.sum(dim=(2, 3), keepdim=True)
    counted = (gradients > 0) & (denominator != 0)
    weights = torch.where(counted, gradients / torch.where(counted, denominator, 1), 0).sum(dim=(2, 3))
    return weighted_map(activations, weights)


def xgrad_cam_map(activations: Tensor, gradients: Tensor) -> Tensor:
    """Σₖ wₖ Aₖ, where wₖ = Σ g A / Σ A (Fu et al. 2020); a channel whose activations sum to 0 has weight 0."""
    total = activations.sum(dim=(2, 3))
    weights = torch.where(total != 0, (gradients * activations).sum(dim=(2, 3)) / torch.where(total != 0, total, 1), 0)
    return weighted_map(activations, weights)


def layer_cam_map(activations: Tensor, gradients: Tensor) -> Tensor:
    """Σₖ ReLU(g) Aₖ, every position with a weight of its own (Jiang et al. 2021, without the last ReLU)."""
    return (gradients.relu() * activations).sum(dim=1)


def hires_cam_map(activations: Tensor, gradients: Tensor) -> Tensor:
    """Σₖ gₖ Aₖ, position by position (Draelos and Carin 2020)."""
    return (gradients * activations).sum(dim=1)


def first_component_map(features: Tensor, centred: bool) -> Tensor:
    """Projection of features ``(B, K, h, w)`` at each position on their first right singular vector: ``(B, h, w)``.

    A singular vector has no sign of its own: the map has that of the features' sum over channels, with which its product, summed over
    positions, is not negative. With ``centred`` each channel's mean is taken off first, so that it is the first principal component.
    """
    size, total = features.shape[2:], features.sum(dim=1).flatten(1)
    rows = features.flatten(2)
    rows = rows - rows.mean(dim=2, keepdim=True) if centred else rows
    left, values, _ = torch.linalg.svd(rows.transpose(1, 2), full_matrices=False)
    projection = left[:, :, 0] * values[:, :1]
    sign = torch.where((projection * total).sum(dim=1, keepdim=True) < 0, -1, 1)
    return (projection * sign).unflatten(1, size)


def weighted_map(activations: Tensor, weights: Tensor) -> Tensor:
    """Σₖ wₖ Aₖ for channel weights ``(B, K)``."""
    return torch.einsum("bk,bkhw->bhw", weights, activations)
