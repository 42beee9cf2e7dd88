"""Steps of adversarial searches, which stay among inputs that images can give."""

from __future__ import annotations

from torch import Tensor

from harness.api import Classifier


def within_bounds(model: Classifier, inputs: Tensor) -> Tensor:
    """``inputs`` (B, C, H, W) cut off at the model's least and greatest input, where its preprocessing has any."""
    if model.bounds is None:
        return inputs
    low, high = (bound.to(inputs) for bound in model.bounds)
    return inputs.clamp(low, high)


def input_range(model: Classifier, images: Tensor) -> Tensor:
    """How far inputs can be apart: per channel by the model's bounds, else by each image's own values; broadcasts with ``images``."""
    if model.bounds is None:
        return images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True)
    low, high = (bound.to(images) for bound in model.bounds)
    return (high - low)[None]
