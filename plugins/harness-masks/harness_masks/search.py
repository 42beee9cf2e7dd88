"""Masks that are searched for by gradients: of every image by itself, all images of a batch at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from harness.api import Classifier

LEAST_BLUR = 3.0
Losses = Callable[[Tensor, int], Tensor]
"""What is searched ``(B, …)`` and the number of the step → ``(B,)`` the loss of each, which depends on no other."""


class Search(Protocol):
    """A search that takes steps, as torch's optimizers do."""

    def step(self) -> object:
        """One step by the gradients that are noted."""


MakeSearch = Callable[[list[Tensor]], Search]
"""A list of one tensor → what takes steps with it, of each image by itself."""


def minimised(start: Tensor, losses: Losses, steps: int, search: MakeSearch, bounds: tuple[float, float] | None = (0.0, 1.0)) -> Tensor:
    """What ``steps`` steps down the losses make of ``start`` (B, …), brought back within ``bounds`` after each.

    The gradient of the losses' sum holds that of each, so that no image's search depends on the others; none ends early.
    """
    found = start.detach().clone().requires_grad_()
    taken = search([found])
    for step in range(steps):
        with torch.enable_grad():
            (found.grad,) = torch.autograd.grad(losses(found, step).sum(), found)
        taken.step()
        if bounds is not None:
            with torch.no_grad():
                found.clamp_(*bounds)
    return found.detach()


def of_targets(values: Tensor, targets: Tensor) -> Tensor:
    """``(B,)`` of ``(B, K)``: each image's own target's."""
    return values.gather(1, targets[:, None])[:, 0]


def target_log_probabilities(model: Classifier, inputs: Tensor, targets: Tensor) -> Tensor:
    """``(B,)`` with a graph: natural logarithms of each input's probability of its own target."""
    return of_targets(model.log_probabilities(model(inputs)), targets)


def at_224(images: Tensor, pixels: float) -> float:
    """A length that papers give for images of 224 pixels, for the shorter side of these."""
    return pixels * min(images.shape[-2:]) / 224


def strong_blur(images: Tensor, pixels: float) -> float:
    """σ of the blur that is to take everything away, as papers give it for images of 224 pixels.

    At least `LEAST_BLUR`, for small pictures have strokes of as many pixels, which a blur in proportion would leave to be read.
    """
    return max(LEAST_BLUR, at_224(images, pixels))


def differences_between_neighbours(masks: Tensor, power: float) -> Tensor:
    """``(B,)``: the sum of |differences| to the right and below, each to a power, of masks ``(B, h, w)``."""
    down, across = (masks.diff(dim=dim).abs().pow(power).sum((1, 2)) for dim in (1, 2))
    return down + across
