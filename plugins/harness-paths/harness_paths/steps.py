"""Steps of adversarial searches, which stay among inputs that images can give."""

from __future__ import annotations

from torch import Tensor

from harness.api import Classifier


def within_bounds(model: Classifier, inputs: Tensor) -> Tensor:
    """``inputs`` (B, C, H, W) cut off at the model's least and greatest input, where its preprocessing has any."""
    return inputs if model.bounds is None else inputs.clamp(*model.input_range(inputs))


def input_range(model: Classifier, images: Tensor) -> Tensor:
    """How far inputs can be apart: per channel by the model's bounds, else by each image's own values; broadcasts with ``images``."""
    low, high = model.input_range(images)
    return high - low
