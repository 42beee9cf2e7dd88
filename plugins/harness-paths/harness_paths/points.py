"""Points of a path with what the model says there, and straight paths of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from harness.api import Classifier
from harness.api.target_logits import target_gradients


class PathPoint(NamedTuple):
    """One point of each image's path.

    Attributes:
        place: ``(B, C, H, W)`` the input there.
        gradients: ``(B, C, H, W)`` of the target's logit.
        logits: ``(B,)`` the target's.
    """

    place: Tensor
    gradients: Tensor
    logits: Tensor


def path_point(model: Classifier, place: Tensor, targets: Tensor) -> PathPoint:
    """A point, by one forward and one backward pass."""
    return PathPoint(place, *target_gradients(model, place, targets))


def straight_path(model: Classifier, start: Tensor, end: Tensor, targets: Tensor, steps: int) -> Iterator[PathPoint]:
    """``steps`` + 1 points at equal distances, both ends among them."""
    for k in range(steps + 1):
        yield path_point(model, start + (end - start) * (k / steps), targets)


def mean_gradients(model: Classifier, start: Tensor, end: Tensor, targets: Tensor, steps: int) -> Tensor:
    """The mean of gradients at the middles of ``steps`` equal parts of the straight path: ``(B, C, H, W)``."""
    total = torch.zeros_like(start)
    for k in range(steps):
        total += target_gradients(model, start + (end - start) * ((k + 0.5) / steps), targets)[0]
    return total / steps
