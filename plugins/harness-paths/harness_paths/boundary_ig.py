"""Boundary-based IG: Integrated Gradients from the nearest point at which the decision falls."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.gradients import no_gradient_reason
from harness.api.target_logits import mean_gradients, target_logits
from harness_paths import citations
from harness_paths.steps import within_bounds

OVERSHOOT = 0.02
"""DeepFool's: by how much more than to the linear boundary a step goes."""
HALVINGS = 12


@explainer(
    family="gradients",
    signed=True,
    complete=True,
    passes=lambda params: 2 * params["steps"] + 2 * params["search"] + HALVINGS + 2,
    cite=citations.BOUNDARY_IG,
)
def boundary_ig(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Annotated[int, Field(ge=1)] = 50,
    search: Annotated[int, Field(ge=1)] = 50,
) -> Attribution:
    """Boundary-based Integrated Gradients: the reference is a near point of the decision boundary (Wang, Fredrikson and Datta 2022).

    The point is looked for by DeepFool's steps (Moosavi-Dezfooli et al. 2016) on the margin between the target's logit and the largest
    other, and then by bisection between it and the image; the paper takes the nearest that several attacks find. Of an image that is not
    classified as the target it is the point at which it would be. The map ``(B, C, H, W)`` sums to f(x) − f(x₀) of the target's logit, but
    for the error of a sum of ``steps`` points. Where no boundary is found the last point looked at is the reference. Passes are counted as
    if no search ended early.

    Args:
        steps: points on the path at which gradients are taken.
        search: at most so many steps of the search.
    """
    references = boundary_points(model, images, targets, search)
    maps = (images - references) * mean_gradients(model, references, images, targets, steps)
    return Attribution(maps, expected=target_logits(model, images, targets) - target_logits(model, references, targets))


boundary_ig.applicable = no_gradient_reason  # type: ignore[attr-defined]


def boundary_points(model: Classifier, images: Tensor, targets: Tensor, search: int) -> Tensor:
    """A near point of the boundary between each target and the other classes, ``(B, C, H, W)``, on the image's side of it."""
    place = images.detach()
    side: Tensor | None = None
    for _ in range(search):
        points = place.clone().requires_grad_()
        with torch.enable_grad():
            gaps = margins(model(points), targets)
            (slopes,) = torch.autograd.grad(gaps.sum(), points)
        gaps = gaps.detach()
        side = gaps >= 0 if side is None else side
        there = (gaps >= 0) != side
        if bool(there.all()):
            break
        squares = slopes.square().sum((1, 2, 3)).clamp(min=torch.finfo(slopes.dtype).tiny)
        step = -(1 + OVERSHOOT) * (gaps / squares).view(-1, 1, 1, 1) * slopes
        place = torch.where(there.view(-1, 1, 1, 1), place, within_bounds(model, place + step))
    assert side is not None
    return _bisected(model, images, place, targets, side)


def margins(logits: Tensor, targets: Tensor) -> Tensor:
    """``(B,)``: the target's logit less the largest other."""
    own = logits.gather(1, targets[:, None])[:, 0]
    others = logits.scatter(1, targets[:, None], -torch.inf)
    return own - others.amax(dim=1)


def _bisected(model: Classifier, images: Tensor, beyond: Tensor, targets: Tensor, side: Tensor) -> Tensor:
    """The last point of the way from the image to ``beyond`` that is known to be on the image's ``side``, or ``beyond`` if that is."""
    low = torch.zeros(len(images), 1, 1, 1, device=images.device, dtype=images.dtype)
    high = torch.ones_like(low)
    with torch.no_grad():
        found = ((margins(model(beyond), targets) >= 0) != side).view(-1, 1, 1, 1)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            same = ((margins(model(images + (beyond - images) * middle), targets) >= 0) == side).view(-1, 1, 1, 1)
            low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    return torch.where(found, images + (beyond - images) * low, beyond)
