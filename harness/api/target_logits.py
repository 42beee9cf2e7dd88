"""The logits that are explained, one per image, and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


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


def mean_gradients(model: Classifier, start: Tensor, end: Tensor, targets: Tensor, steps: int) -> Tensor:
    """The mean of gradients at the middles of ``steps`` equal parts of the straight path: ``(B, C, H, W)``."""
    total = torch.zeros_like(start)
    for k in range(steps):
        total += target_gradients(model, start + (end - start) * ((k + 0.5) / steps), targets)[0]
    return total / steps
