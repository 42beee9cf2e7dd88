"""Extremal perturbations: smooth masks of a fixed area."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from harness.api import Classifier, explainer
from harness.api.blurring import zero_bordered_blur
from harness.api.gradients import no_gradient_reason
from harness_masks import citations
from harness_masks.search import at_224, minimised, of_targets, strong_blur

Variant = Literal["preserve", "delete", "dual"]
COLDNESS = 20.0
"""Of the smooth maximum."""
AREA_WEIGHT, GROWTH = 300.0, 1.0035
"""Weight of the area at the first step, and by what it is multiplied at each."""
RATE, MOMENTUM = 0.01, 0.9
ELEMENTS = 2**26
"""Of one tensor that makes masks: so many masks are searched for at once as have no more, 256 MiB of float32."""


def passes(params: Mapping[str, Any]) -> float:
    """Forward-equivalents: a gradient for every step and area; of both halves of the image in the dual game."""
    return 2.0 * params["steps"] * len(params["areas"]) * (2 if params["variant"] == "dual" else 1)


@explainer(family="perturbation", passes=passes, cite=citations.EXTREMAL_PERTURBATION)
def extremal_perturbation(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    areas: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)] = [0.1],  # noqa: B006 - read only
    steps: Annotated[int, Field(ge=0)] = 800,
    variant: Variant = "preserve",
    cell: Annotated[int, Field(ge=1)] | None = None,
    smoothness: Annotated[float, Field(gt=0)] | None = None,
    blur: Annotated[float, Field(gt=0)] | None = None,
    levels: Annotated[int, Field(ge=2)] = 8,
    mirrored: bool = True,
) -> Tensor:
    """Extremal perturbation: the smooth mask of a given area that keeps the target's logit greatest (Fong et al. 2019, eq. 2 to 5).

    Returns ``(B, H, W)`` in 0 … 1, the mean over areas. The logit less λ ‖sorted mask − r‖² / n is climbed, r as many ones as the area has
    and else zeros, λ growing from 300 by 1.0035 a step; gradient ascent with momentum, from a mask that keeps everything. A mask is the
    smooth maximum over a coarse grid of parameters, each under a kernel that is flat at its middle; the image is blurred less the greater
    the mask is, between ``levels`` blurs. Lengths are the authors' for images of 224 pixels, in proportion to the shorter side. (Their
    code, TorchRay, returns the mask that the last step begins with.)

    Args:
        areas: shares of the image; each has a mask of its own.
        steps: of the search.
        variant: ``preserve``: what is kept has a high logit; ``delete``: what is left without it has a low one; ``dual``: both.
        cell: pixels between parameters; by default 7/224 of the shorter side.
        smoothness: radius of the kernel in pixels; by default three cells.
        blur: standard deviation of the strongest blur in pixels; by default 20/224 of the shorter side, at least 3.
        levels: blurs between which is interpolated, the image itself among them.
        mirrored: whether every other step, from the first on, sees the image mirrored.
    """
    step = cell or max(1, round(at_224(images, 7)))
    masks = SmoothMasks(images.shape[-2], images.shape[-1], step, smoothness or 3.0 * step, images)
    strongest = blur or strong_blur(images, 20)
    zeros = torch.tensor([int(masks.count * (1 - area)) for area in areas], device=images.device)
    rows = torch.arange(len(images) * len(areas), device=images.device)
    found = []
    for part in rows.split(max(1, ELEMENTS // masks.kernel.numel())):
        image, area = part // len(areas), part % len(areas)
        pyramid = torch.stack([zero_bordered_blur(images[image], strongest * k / (levels - 1)) for k in range(levels - 1, -1, -1)], dim=1)

        def losses(parameters: Tensor, number: int, pyramid: Tensor = pyramid, image: Tensor = image, area: Tensor = area) -> Tensor:
            shown, whole = masks(parameters)
            kept = {"preserve": [shown], "delete": [1 - shown], "dual": [shown, 1 - shown]}[variant]
            inputs = torch.cat([between_levels(pyramid, mask) for mask in kept])
            logits = model(inputs.flip(3) if mirrored and number % 2 == 0 else inputs)
            rewards = of_targets(logits, targets[image].repeat(len(kept))).view(len(kept), -1)
            reward = -rewards[0] if variant == "delete" else rewards[0] - rewards[1:].sum(dim=0)
            return area_distance(whole, zeros[area]) * AREA_WEIGHT * GROWTH**number - reward

        search = partial(torch.optim.SGD, lr=RATE, momentum=MOMENTUM, dampening=MOMENTUM)
        found.append(masks(minimised(images.new_ones(len(part), *masks.grid), losses, steps, search))[0])
    return torch.cat(found).unflatten(0, (len(images), len(areas))).mean(dim=1)


extremal_perturbation.applicable = no_gradient_reason  # type: ignore[attr-defined]


class SmoothMasks:
    """Smooth masks ``(B, H, W)`` in 0 … 1 of parameters on a coarse grid; ``(B, H′, W′)`` with a margin around the image (eq. 4 and 5).

    Called with parameters ``(B, h, w)`` it gives both. At each pixel it is the softmax-weighted mean (coldness 20) of parameters about it,
    each under exp(−2 (d/σ − 1/2)₊²), d its distance; outside the grid they are 0.

    Attributes:
        grid: ``(h, w)`` of the parameters.
        count: H′ · W′.
        kernel: ``(K, H′, W′)``: of each of the K parameters about a pixel its kernel's value there.
    """

    def __init__(self, height: int, width: int, step: int, sigma: float, like: Tensor) -> None:
        self.size = (height, width)
        self.grid = (math.ceil(height / step), math.ceil(width / step))
        self.step, self.margin = step, sigma
        self.reach = 1 + math.ceil(sigma / step)
        self.padding = 1 + math.ceil(2 * sigma / step)
        self.outer = tuple(step * (cells + 2 * (self.padding - self.reach)) - step + 1 for cells in self.grid)
        self.count = math.prod(self.outer)
        offsets = torch.arange(2 * self.reach + 1) - self.padding
        down, across = (
            (places := torch.arange(length)) - (sigma + step * (places // step + offsets[:, None])) for length in self.outer
        )  # (2 reach + 1, length) each: distances to the parameters about a pixel
        distances = torch.hypot(down[:, None, :, None], across[None, :, None, :]).flatten(0, 1)
        self.kernel = torch.exp(-2 * (distances / sigma - 0.5).clamp(min=0) ** 2).to(like.device, like.dtype)

    def __call__(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, H, W)`` and ``(B, H′, W′)``."""
        window = 2 * self.reach + 1
        about = functional.unfold(parameters[:, None], window, padding=self.padding)
        about = about.unflatten(2, [cells + 2 * (self.padding - self.reach) for cells in self.grid])
        enlarged = about.repeat_interleave(self.step, 2).repeat_interleave(self.step, 3)[..., : self.outer[0], : self.outer[1]]
        values = self.kernel * enlarged
        whole = (values * (COLDNESS * values).softmax(dim=1)).sum(dim=1).clamp(0, 1)
        start = round(self.margin)
        return whole[:, start : start + self.size[0], start : start + self.size[1]], whole


def between_levels(pyramid: Tensor, masks: Tensor) -> Tensor:
    """``(B, C, H, W)``: at each pixel interpolated between levels ``(B, L, C, H, W)``, the first where masks (B, H, W) are 0."""
    last = pyramid.shape[1] - 1
    places = masks[:, None, None] * last
    lower = places.detach().floor()
    index = lower.long().expand(-1, -1, *pyramid.shape[2:])
    low, high = pyramid.gather(1, index), pyramid.gather(1, (index + 1).clamp(max=last))
    return torch.lerp(low, high, places - lower)[:, 0]


def area_distance(masks: Tensor, zeros: Tensor) -> Tensor:
    """``(B,)``: mean square difference of sorted masks ``(B, H, W)`` from one that is 0 at ``zeros`` (B,) pixels and else 1."""
    ordered = masks.flatten(1).sort(dim=1, stable=True).values
    wanted = torch.arange(ordered.shape[1], device=masks.device) >= zeros[:, None]
    return (ordered - wanted.to(ordered)).square().mean(dim=1)
