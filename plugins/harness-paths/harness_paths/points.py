"""Points of a path with what the model says there, straight paths of them, and sums along any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from harness.api import Attribution, Classifier
from harness.api.target_logits import gradients_in_turn, target_gradients


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


def path_points(model: Classifier, places: Iterable[Tensor], targets: Tensor) -> Iterator[PathPoint]:
    """Points whose places are known beforehand, several in one pass where there are few images."""
    return (PathPoint(*point) for point in gradients_in_turn(model, places, targets))


def straight_path(model: Classifier, start: Tensor, end: Tensor, targets: Tensor, steps: int) -> Iterator[PathPoint]:
    """``steps`` + 1 points at equal distances, both ends among them."""
    return path_points(model, (start + (end - start) * (k / steps) for k in range(steps + 1)), targets)


def summed_along(points: Iterator[PathPoint], part: Callable[[PathPoint, PathPoint], Tensor]) -> Attribution:
    """What the parts of a path give, ``part(beginning, end)`` (B, C, H, W) each, summed up; it should be the logits' change on the way.

    At most two points are held at a time, besides those that went through the model together.
    """
    here = next(points)
    total, logits = torch.zeros_like(here.place), here.logits
    for after in points:
        total += part(here, after)
        here = after
    return Attribution(total, expected=here.logits - logits)
