"""Guided IG: a path that goes first where the gradient is small."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer, to_float64
from harness.api.gradients import no_gradient_reason
from harness.api.preprocessing import ReferenceKind
from harness_paths import citations
from harness_paths.points import PathPoint, path_point, summed_along

CLOSE = 1e-9
"""Share of a distance below which two are equal."""


@explainer(family="gradients", signed=True, passes=lambda params: 2 * params["steps"] + 2, cite=citations.GUIDED_IG)
def guided_ig(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Annotated[int, Field(ge=1)] = 200,
    fraction: Annotated[float, Field(gt=0, le=1)] = 0.25,
    max_distance: Annotated[float, Field(ge=0, le=1)] = 0.02,
    baseline: ReferenceKind = "black",
    rule: Literal["left", "trapezoid"] = "left",
) -> Attribution:
    """Guided IG: gradients on a path that changes those pixels first whose gradient is small (Kapishnikov et al. 2021, algorithm 1).

    The map ``(B, C, H, W)`` should sum to f(x) − f(x₀) of the target's logit, which is measured per sample and not promised. In every
    part of the path those pixels move whose gradient is small at its beginning, and grows as they move; so with the gradient at the
    beginning, as the authors have it, the sum misses that by 10 to 20 % on small networks, however many steps there are.

    Args:
        steps: parts of the path; each takes the same share of the distance (L1).
        fraction: the share of pixels, those of the smallest gradients, that are changed at a time.
        max_distance: how far a pixel may be from the straight path, as a share of its own way: 0 is Integrated Gradients, 1 sets no limit.
        baseline: the input that stands for nothing: black, white, the image's mean colour, the blurred image, or the zero tensor.
        rule: the gradient that a part of the path counts with: that at its beginning, or the mean of those at both ends.
    """

    def part(before: PathPoint, after: PathPoint) -> Tensor:
        gradients = before.gradients if rule == "left" else (before.gradients + after.gradients) / 2
        return (after.place - before.place) * gradients

    references = model.reference(baseline, images)
    return summed_along(guided_path(model, references, images, targets, steps, fraction, max_distance), part)


guided_ig.applicable = no_gradient_reason  # type: ignore[attr-defined]


def guided_path(
    model: Classifier, start: Tensor, end: Tensor, targets: Tensor, steps: int, fraction: float, max_distance: float
) -> Iterator[PathPoint]:
    """``steps`` + 1 points from ``start`` to ``end`` (B, C, H, W); the gradient at each decides on the way to the next."""
    low, high = to_float64(start), to_float64(end)
    place = low
    distance = _l1(high - low)
    for step in range(steps):
        here = path_point(model, place.to(start), targets)
        yield here
        share = (step + 1) / steps
        bounds = [low + (high - low) * bound for bound in (max(share - max_distance, 0.0), min(share + max_distance, 1.0))]
        place = next_place(place, low, high, bounds[0], bounds[1], distance * (1 - share), here.gradients.abs(), fraction)
    yield path_point(model, place.to(start), targets)


def next_place(
    place: Tensor, start: Tensor, end: Tensor, least: Tensor, most: Tensor, goal: Tensor, sizes: Tensor, fraction: float
) -> Tensor:
    """Move ``place`` until its L1 distance from ``end`` is ``goal`` (B,), pixels of the smallest ``sizes`` first.

    No pixel is left behind ``least`` nor goes beyond ``most``, which lie on the straight path from ``start`` to ``end``; all (B, C, H, W).
    """
    way = end - start
    ahead = torch.where(way < 0, -1.0, 1.0).to(way)
    sizes = sizes.to(place)
    moving = torch.ones(len(place), dtype=torch.bool, device=place.device)
    while bool(moving.any()):
        caught_up = torch.where((place - least) * ahead < 0, least, place)
        left = _l1(caught_up - end)
        there = (left - goal).abs() <= CLOSE * torch.maximum(left.abs(), goal.abs()).clamp(min=1)
        sizes = torch.where(caught_up == most, torch.inf, sizes)
        chosen = (sizes <= _lower_quantile(sizes, fraction)) & sizes.isfinite()
        possible = _l1((caught_up - most) * chosen)
        ratio = torch.where(possible > 0, (left - goal) / possible, torch.inf)
        share = _spread(ratio.clamp(max=1.0), place)
        moved = torch.where(chosen, caught_up + (most - caught_up) * share, caught_up)
        moved = torch.where(chosen & (share >= 1), most, moved)
        result = torch.where(_spread(there, place), caught_up, moved)
        place = torch.where(_spread(moving, place), result, place)
        moving = moving & ~there & (ratio > 1) & (possible > 0)
    return place


def _lower_quantile(values: Tensor, share: float) -> Tensor:
    """Of each sample's values the one below which ``share`` of the others lie, ``(B, 1, 1, 1)``; one that occurs."""
    flat = values.flatten(1)
    return _spread(flat.kthvalue(1 + int(share * (flat.shape[1] - 1)), dim=1).values, values)


def _l1(values: Tensor) -> Tensor:
    return values.abs().sum((1, 2, 3))


def _spread(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.ndim - 1))
