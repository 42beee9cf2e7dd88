"""Noise on a model's inputs or weights, by which metrics are evaluated (Hedström et al. 2023, TMLR, arXiv 2302.07265)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context


def disturb_model(model: Classifier, scale: float, *, seed: int, repeat: int) -> Classifier:
    """A copy of ``model`` with every parameter multiplied by noise from a Gaussian of mean 1 and standard deviation ``scale``."""
    copied = model.with_module(model.module)
    ctx = Context(seed, ["weights"], f"disturb/weights/{repeat}")
    with torch.no_grad():
        for parameter in copied.module.parameters():
            noise = ctx.on(parameter.device).noise(parameter.shape)[0]
            parameter.mul_((1 + scale * noise).to(parameter))
    return copied


def disturb_images(images: Tensor, ids: Sequence[str], model: Classifier, scale: float, *, seed: int, repeat: int) -> Tensor:
    """``images`` (B, C, H, W) plus uniform noise of ± ``scale`` times their range, clamped to that range.

    The range is that of the model's inputs, per channel; if these have no bounds, that of each image.
    """
    bounds = model.bounds
    if bounds is None:
        low, high = images.amin(dim=(1, 2, 3), keepdim=True), images.amax(dim=(1, 2, 3), keepdim=True)
    else:
        low, high = (bound.to(images) for bound in bounds)
    noise = Context(seed, ids, f"disturb/inputs/{repeat}", images.device).uniform(images.shape[1:]).to(images)
    return (images + (2 * noise - 1) * scale * (high - low)).clamp(low, high)
