"""The others that a sample is compared with, where a metric is defined by its place among them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from harness.api import Case


@dataclass(frozen=True)
class Population:
    """Explained training images.

    Attributes:
        images: ``(N, C, H, W)``.
        targets: ``(N,)`` the predicted classes.
        maps: ``(N, H, W)`` of the case's explainer.
    """

    images: Tensor
    targets: Tensor
    maps: Tensor


def population(case: Case, size: int) -> Population:
    """``size`` training images, each explained for its predicted class on a stream of its own: the same for every batch."""
    return case.shared(("quantus population", size), lambda: _explained(case, size))


def _explained(case: Case, size: int) -> Population:
    images = case.ctx.background(size)
    targets = case.predict(images).argmax(dim=1)
    streams = case.explaining or case.ctx
    ctx = streams.about([f"background {k}" for k in range(len(images))])
    return Population(images, targets, replace(case, images=images, targets=targets, explaining=ctx).explain())
