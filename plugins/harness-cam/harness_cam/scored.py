"""Explainers that weigh a layer's channels by what the model says of the image where each channel is active: the Score-CAM family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from harness.api import Attribution, Classifier, Context, explainer
from harness.api.activation_grids import no_grid
from harness.api.masking import chunks
from harness.api.target_logits import target_logits
from harness_cam import citations
from harness_cam.capture import activations_at
from harness_cam.explainers import Prefix
from harness_cam.maps import weighted_map

CHANNELS = 512
"""Of the last convolution of many networks: what is declared is for so many."""
Draws = Annotated[int, Field(ge=1)]


def passes(params: Mapping[str, Any], channels: int = CHANNELS) -> float:
    """Forward passes per image: one of its own, and one per channel and draw."""
    return channels * (params.get("draws") or params.get("steps") or 1) + 1.0


@explainer(family="class activation maps", passes=passes, cite=citations.SCORE_CAM)
def score_cam(
    model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True, prefix_tokens: Prefix = None
) -> Attribution:
    """Score-CAM: a layer's activations weighted by the target's logit of the image where their channel is active.

    Channel k, brought to the image's size bilinearly and then to 0 … 1, multiplies the model's input; the softmax over channels of the
    target's logits of these is αₖ, and the map ReLU(Σₖ αₖ Aₖ) (Wang et al. 2020, algorithm 1): ``(B, h, w)``, coarse. What is taken off
    all logits alike, the baseline's, changes no weight. A channel that is the same everywhere has a mask of zeros. It needs no gradients.

    Args:
        layer: the layer whose channels are masks, by its name; by default the model's `cam_layer`.
        relu: whether negative values, which only activations below zero give, become 0.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    activations = _activations(model, images, layer, prefix_tokens)
    scores = mask_scores(model, images, targets, activations, masked)
    return weighted_by_scores(activations, scores, relu)


@explainer(family="class activation maps", passes=passes, cite=citations.SS_CAM)
def ss_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Draws = 35,
    noise: Annotated[float, Field(ge=0)] = 2.0,
    noise_on: Literal["masks", "images"] = "masks",
    layer: str | None = None,
    relu: bool = True,
    prefix_tokens: Prefix = None,
    ctx: Context,
) -> Attribution:
    """SS-CAM: Score-CAM whose logits are means over noise, on the masks or on the masked images (Wang, Naidu et al. 2020).

    Returns ``(B, h, w)``, coarse. As in Score-CAM, but the softmax is that of means of ``draws`` logits per channel. Without noise it is
    Score-CAM. Every draw and channel has noise of its own.

    Args:
        draws: noisy copies for each channel, 35 as in the package torch-cam.
        noise: standard deviation of the Gaussian noise, where masks go from 0 to 1 and images are as the model takes them.
        noise_on: what it is added to: ``masks`` (the paper's first kind) or the masked ``images`` (its second).
        layer: the layer whose channels are masks, by its name; by default the model's `cam_layer`.
        relu: whether negative values, which only activations below zero give, become 0.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    activations = _activations(model, images, layer, prefix_tokens)

    def noisy(images: Tensor, masks: Tensor) -> Tensor:
        if noise_on == "masks":
            return masked(images, masks + noise * ctx.noise(masks.shape[2:], draws=masks.shape[1]).transpose(0, 1).to(masks))
        inputs = masked(images, masks)
        return inputs + noise * ctx.noise(inputs.shape[2:], draws=inputs.shape[1]).transpose(0, 1).to(inputs)

    total = torch.zeros(activations.shape[:2], device=images.device)
    for _ in range(draws):
        total += mask_scores(model, images, targets, activations, noisy)
    return weighted_by_scores(activations, total / draws, relu)


@explainer(family="class activation maps", passes=passes, cite=citations.IS_CAM)
def is_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Draws = 10,
    layer: str | None = None,
    relu: bool = True,
    prefix_tokens: Prefix = None,
) -> Attribution:
    """IS-CAM: Score-CAM whose logits are means over masks that grow from nothing to the whole in equal steps (Naidu et al. 2020).

    Returns ``(B, h, w)``, coarse. As in Score-CAM, but the softmax is that of means of the logits at 1/N, 2/N, … 1 of each mask; with one
    step it is Score-CAM.

    Args:
        steps: N, parts of the way from a black mask to the channel's.
        layer: the layer whose channels are masks, by its name; by default the model's `cam_layer`.
        relu: whether negative values, which only activations below zero give, become 0.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    activations = _activations(model, images, layer, prefix_tokens)
    total = torch.zeros(activations.shape[:2], device=images.device)
    for step in range(1, steps + 1):
        share = step / steps
        total += mask_scores(model, images, targets, activations, lambda images, masks, share=share: masked(images, share * masks))
    return weighted_by_scores(activations, total / steps, relu)


for _component in (score_cam, ss_cam, is_cam):
    _component.applicable = no_grid  # type: ignore[attr-defined]


def mask_scores(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    activations: Tensor,
    make: Callable[[Tensor, Tensor], Tensor],
    score: Callable[[Classifier, Tensor, Tensor], Tensor] = target_logits,
) -> Tensor:
    """Scores ``(B, K)`` of each image ``(B, C, H, W)`` under the masks of its channels ``(B, K, h, w)``.

    ``make(images, masks)`` makes inputs ``(B, n, C, H, W)`` of masks ``(B, n, H, W)``, of as many channels together as a pass has room for,
    and ``score`` has of inputs ``(m, C, H, W)`` and targets ``(m,)`` one number each.
    """
    size = (images.shape[-2], images.shape[-1])
    found = []
    for part in chunks(activations.shape[1], images):
        inputs = make(images, unit_masks(activations[:, part.start : part.stop].to(images), size))
        repeated = targets.repeat_interleave(inputs.shape[1])
        found.append(score(model, inputs.flatten(0, 1), repeated).unflatten(0, inputs.shape[:2]))
    return torch.cat(found, dim=1)


def unit_masks(grids: Tensor, size: tuple[int, int]) -> Tensor:
    """Grids ``(B, K, h, w)`` at ``size``, each from 0 to 1; 0 where one is the same everywhere."""
    large = functional.interpolate(grids, size=size, mode="bilinear", align_corners=False)
    low = large.amin((2, 3), keepdim=True)
    extent = large.amax((2, 3), keepdim=True) - low
    return torch.where(extent > 0, (large - low) / torch.where(extent > 0, extent, 1), 0)  # no 0 / 0, which a gradient would go through


def masked(images: Tensor, masks: Tensor) -> Tensor:
    """Inputs ``(B, n, C, H, W)``: every image times each of its masks ``(B, n, H, W)``."""
    return images[:, None] * masks[:, :, None]


def weighted_by_scores(activations: Tensor, scores: Tensor, relu: bool) -> Attribution:
    """The map of Score-CAM: activations ``(B, K, h, w)`` weighted by the softmax over channels of scores ``(B, K)``."""
    maps = weighted_map(activations, scores.softmax(dim=1).to(activations))
    return Attribution(maps.relu() if relu else maps, coarse=True)


def _activations(model: Classifier, images: Tensor, layer: str | None, prefix_tokens: int | None) -> Tensor:
    if (reason := no_grid(model, layer)) is not None:
        raise ValueError(reason)
    return activations_at(model, images, layer, prefix_tokens)
