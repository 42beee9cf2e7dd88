"""Explainers whose maps say nothing, and that are no nulls. Given as ``--plugin`` beside a spec."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Classifier, Context, explainer


@explainer()
def constant(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """One value everywhere."""
    return torch.ones_like(images[:, 0])


@explainer()
def pixel(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """One pixel, always the same: nothing is sparser, and nothing more robust."""
    maps = torch.zeros_like(images[:, 0])
    maps[:, maps.shape[1] // 3, maps.shape[2] // 3] = 1.0
    return maps


@explainer()
def noise(model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Tensor:
    """Noise that looks at nothing."""
    return ctx.noise(images.shape[-2:]).to(images)
