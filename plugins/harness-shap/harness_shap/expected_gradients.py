"""The estimator of expected gradients (Erion et al. 2021, eq. 3), given its draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
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


def expected_gradients(
    score: Callable[[Tensor], Tensor], points: Tensor, background: Tensor, draws: Iterable[Draw], at_once: int = 1
) -> Tensor:
    """The mean over draws of (x − x′) · ∇ score(x′ + α (x − x′)): ``(B, …)``, shaped like ``points``.

    Args:
        score: ``(n · B, …)`` → ``(n · B,)``, all samples n times in turn; differentiable, each score independent of the others.
        points: ``(B, …)`` the samples x.
        background: ``(n, …)`` the reference samples x′, or ``(B, n, …)`` each sample's own.
        draws: at least one.
        at_once: how many of them go through the model together.
    """
    total, count = torch.zeros_like(points), 0
    own = background if background.ndim > points.ndim else background[None]
    rows = torch.arange(len(own), device=points.device)  # the one row for all, where they have it in common
    rest = iter(draws)
    while some := list(islice(rest, at_once)):
        changes, between = zip(*(_on_the_path(points, own[rows, draw.reference], draw) for draw in some), strict=True)
        inputs = torch.cat(between).requires_grad_()
        with torch.enable_grad():
            (gradients,) = torch.autograd.grad(score(inputs).sum(), inputs)
        for change, gradient in zip(changes, gradients.split(len(points)), strict=True):
            total += gradient * change
        count += len(some)
    return total / count


def _on_the_path(points: Tensor, references: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """What leads from the references to the samples, and where on this way the draw is: ``(B, …)`` both."""
    reached = points if draw.noise is None else points + draw.noise
    change = reached - references
    position = draw.position.view(-1, *[1] * (points.ndim - 1))
    return change, (reached - (1 - position) * change).detach()
