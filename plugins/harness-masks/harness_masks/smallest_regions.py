"""Smallest sufficient and smallest destroying regions, searched for image by image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from harness.api import Classifier, Context, explainer
from harness.api.blurring import gaussian_blur
from harness.api.gradients import no_gradient_reason
from harness.api.masking import Baseline, baseline_input, mixed_with
from harness_masks import citations
from harness_masks.search import at_224, differences_between_neighbours, minimised, strong_blur, target_log_probabilities

Steps = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Cell = Annotated[int, Field(ge=1)] | None


@explainer(family="perturbation", passes=lambda params: 2 * params["steps"], cite=citations.REAL_TIME_SALIENCY)
def smallest_sufficient_region(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Steps = 200,
    rate: Rate = 0.1,
    area: Weight = 10.0,
    smoothness: Weight = 1e-3,
    cell: Cell = None,
    baseline: Baseline = "blur",
    ctx: Context,
) -> Tensor:
    """Smallest sufficient region: the least of the image that alone is classified as the target (Dabkowski and Gal 2017, eq. 2).

    Returns ``(B, H, W)`` in 0 … 1, the mask M of the least λ₁ AV(M) + λ₂ TV(M) − log f(Φ(x, M)), AV its mean and TV the sum of squared
    differences of neighbours, found by Adam from 1 everywhere. The authors train a network to give masks of any image; here each image's
    own is searched for, and the terms of their objective that ask for sufficiency are taken. Of their weights, 10 and 1e-3, the area (a
    mean) has the first and the variation (a sum) the second. M has a cell for four pixels and the blur σ 11 (at least 3), both at 224; M is
    enlarged bilinearly. Where what replaces the image is classified as the target already, the region is nothing, and the map 0.

    Args:
        steps: of Adam.
        rate: Adam's learning rate.
        area: λ₁.
        smoothness: λ₂.
        cell: pixels to a cell of the mask; by default 4/224 of the shorter side.
        baseline: what shows outside the region: the strongly blurred image, black, white, its mean colour, zero, or uniform noise.
    """

    def sufficient(shown: Callable[[Tensor], Tensor], masks: Tensor) -> Tensor:
        return -target_log_probabilities(model, shown(masks), targets)

    return _searched(model, images, sufficient, steps, rate, area, smoothness, cell, baseline, ctx)


@explainer(family="perturbation", passes=lambda params: 2 * params["steps"], cite=citations.REAL_TIME_SALIENCY)
def smallest_destroying_region(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Steps = 200,
    rate: Rate = 0.1,
    area: Weight = 10.0,
    smoothness: Weight = 1e-3,
    destroyed: Weight = 5.0,
    power: Annotated[float, Field(gt=0)] = 0.3,
    cell: Cell = None,
    baseline: Baseline = "blur",
    ctx: Context,
) -> Tensor:
    """Smallest destroying region: the least of the image without which it is not classified as the target (Dabkowski and Gal 2017, eq. 2).

    Returns ``(B, H, W)`` in 0 … 1, the mask M of the least λ₁ AV(M) + λ₂ TV(M) + λ₃ f(Φ(x, 1 − M))^λ₄, all else as of
    ``smallest-sufficient-region``, whose counterpart it is.

    Args:
        steps: of Adam.
        rate: Adam's learning rate.
        area: λ₁.
        smoothness: λ₂.
        destroyed: λ₃.
        power: λ₄, below 1 so that small probabilities still count.
        cell: pixels to a cell of the mask; by default 4/224 of the shorter side.
        baseline: what shows in the region: the strongly blurred image, black, white, its mean colour, zero, or uniform noise.
    """

    def destroying(shown: Callable[[Tensor], Tensor], masks: Tensor) -> Tensor:
        return destroyed * (power * target_log_probabilities(model, shown(1 - masks), targets)).exp()

    return _searched(model, images, destroying, steps, rate, area, smoothness, cell, baseline, ctx)


smallest_sufficient_region.applicable = no_gradient_reason  # type: ignore[attr-defined]
smallest_destroying_region.applicable = no_gradient_reason  # type: ignore[attr-defined]


def _searched(
    model: Classifier,
    images: Tensor,
    misses: Callable[[Callable[[Tensor], Tensor], Tensor], Tensor],
    steps: int,
    rate: float,
    area: float,
    smoothness: float,
    cell: int | None,
    baseline: Baseline,
    ctx: Context,
) -> Tensor:
    """Masks ``(B, H, W)`` of the least area, variation and what ``misses`` says (B,), given what shows the image through masks."""
    hidden = gaussian_blur(images, strong_blur(images, 11), 4.0) if baseline == "blur" else baseline_input(model, images, baseline, ctx)
    replace = mixed_with(images, hidden)
    size = (images.shape[-2], images.shape[-1])
    side = cell or max(1, round(at_224(images, 4)))

    def enlarged(cells: Tensor) -> Tensor:
        return functional.interpolate(cells[:, None], size, mode="bilinear", align_corners=False)[:, 0]

    def losses(cells: Tensor, step: int) -> Tensor:
        masks = enlarged(cells)
        missed = misses(lambda kept: replace(kept[None])[0], masks)
        return area * masks.mean((1, 2)) + smoothness * differences_between_neighbours(masks, 2.0) + missed

    start = images.new_ones(len(images), -(-size[0] // side), -(-size[1] // side))
    return enlarged(minimised(start, losses, steps, partial(torch.optim.Adam, lr=rate)))
