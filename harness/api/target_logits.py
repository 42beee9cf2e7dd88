"""The logits that are explained, one per image, and their gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


PIXELS = {"cpu": 2**18, "cuda": 2**20}
"""Pixels of the inputs whose gradients are taken in one pass: on a CPU 64 images of 64 pixels are 1.3 times as fast together as 8 are;
of 224 pixels they are 5 there, and 20 on a GPU."""


def target_logits(model: Classifier, inputs: Tensor, targets: Tensor) -> Tensor:
    """``(B,)``: each input's logit of its own target, without gradients."""
    with torch.no_grad():
        return model(inputs).gather(1, targets[:, None])[:, 0]


def target_gradients(model: Classifier, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of each input's logit of its own target, shaped like ``inputs`` (B, …), and these logits ``(B,)``.

    No flag of ``inputs`` changes. Samples do not mix, so that the gradient of the logits' sum holds every sample's own.
    """
    points = inputs.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = model(points).gather(1, targets[:, None])[:, 0]
        (gradients,) = torch.autograd.grad(logits.sum(), points)
    return gradients, logits.detach()


def together(inputs: Tensor) -> int:
    """How many times ``inputs`` (B, C, H, W) `PIXELS` has room for; at least once."""
    room = PIXELS["cuda" if inputs.is_cuda else "cpu"]
    return max(1, room // (len(inputs) * inputs.shape[-2] * inputs.shape[-1]))


def gradients_in_turn(model: Classifier, inputs: Iterable[Tensor], targets: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Each of ``inputs`` (B, C, H, W), which have the targets in common, with its `target_gradients`: several in one pass if B is small."""
    rest = iter(inputs)
    for first in rest:
        some = [first, *islice(rest, together(first) - 1)]
        gradients, logits = target_gradients(model, torch.cat(some), targets.repeat(len(some)))
        yield from zip(some, torch.split(gradients, len(first)), torch.split(logits, len(first)), strict=True)


def mean_gradients(model: Classifier, start: Tensor, end: Tensor, targets: Tensor, steps: int) -> Tensor:
    """The mean of gradients at the middles of ``steps`` equal parts of the straight path: ``(B, C, H, W)``."""
    total = torch.zeros_like(start)
    places = (start + (end - start) * ((k + 0.5) / steps) for k in range(steps))
    for _, gradients, _ in gradients_in_turn(model, places, targets):
        total += gradients
    return total / steps
