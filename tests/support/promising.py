"""Components that promise what they do not keep, or take unevenly long. Given as ``--plugin`` beside the small ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.api import Attribution, Classifier, Context, classifier, explainer, model


@model()
def seeded(*, seed: int = 0, gain: float = 1.0, frozen: bool = False) -> Classifier:
    """Random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0 if frozen else seed)
        linear = nn.Linear(3 * 12 * 12, 2)
    with torch.no_grad():
        linear.weight.mul_(gain)
    network = nn.Sequential(nn.Flatten(), linear)
    return classifier(network, input_shape=(3, 12, 12), class_names=["left", "right"], mean=[0.0] * 3, std=[1.0] * 3)


@explainer()
def uneven(model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Tensor:
    """Eleven passes for one sample, one for the others."""
    for _ in range(11 if "square-7" in ctx.ids else 1):
        model(images)
    return images.mean(dim=1)


def _off(images: Tensor) -> Attribution:
    """Maps that sum to two thirds of what they must."""
    return Attribution(images.mean(dim=1), expected=images.mean(dim=1).flatten(1).sum(dim=1) * 1.5)


@explainer(complete=True)
def promising(model: Classifier, images: Tensor, targets: Tensor) -> Attribution:
    """Declares completeness, and does not keep it."""
    return _off(images)


@explainer()
def estimating(model: Classifier, images: Tensor, targets: Tensor) -> Attribution:
    """Says what its maps sum to, and promises nothing."""
    return _off(images)
