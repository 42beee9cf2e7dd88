"""The estimator of expected gradients (Erion et al. 2021, eq. 3), given its draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class Draw(NamedTuple):
    """One draw for each of B samples.

    Attributes:
        reference: ``(B,)`` int64, which background sample.
        position: ``(B,)`` in [0, 1], where on the path from it to the sample.
        noise: ``(B, …)`` added to the sample, or None.
    """

    reference: Tensor
    position: Tensor
    noise: Tensor | None = None


def expected_gradients(score: Callable[[Tensor], Tensor], points: Tensor, background: Tensor, draws: Iterable[Draw]) -> Tensor:
    """The mean over draws of (x − x′) · ∇ score(x′ + α (x − x′)): ``(B, …)``, shaped like ``points``.

    Args:
        score: ``(B, …)`` → ``(B,)``, differentiable, each sample's score independent of the others.
        points: ``(B, …)`` the samples x.
        background: ``(n, …)`` the reference samples x′, or ``(B, n, …)`` each sample's own.
        draws: at least one; each takes one pass of the whole batch.
    """
    total, count = torch.zeros_like(points), 0
    own = background if background.ndim > points.ndim else background[None]
    rows = torch.arange(len(own), device=points.device)  # the one row for all, where they have it in common
    for draw in draws:
        reached = points if draw.noise is None else points + draw.noise
        change = reached - own[rows, draw.reference]
        position = draw.position.view(-1, *[1] * (points.ndim - 1))
        between = (reached - (1 - position) * change).detach().requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(score(between).sum(), between)
        total += gradient * change
        count += 1
    return total / count
