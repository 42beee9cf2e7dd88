"""Poly-CAM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import no_grid
from harness_cam import citations
from harness_cam.capture import activations_at
from harness_cam.explainers import Prefix
from harness_cam.maps import weighted_map
from harness_cam.scored import mask_scores, masked
from harness_cam.stages import no_stages, stage_layers

CHANNELS = (64, 128, 256, 512, 512)
"""Of the last layer of each resolution of VGG-16: what is declared is for these."""
SMALLEST = 1e-12


def passes(params: Mapping[str, Any], channels: Sequence[int] = CHANNELS) -> float:
    """Forward passes per image: one for its probability and one per layer, and of every channel one, or two for ``plus-minus``."""
    return sum(channels) * (2 if params["scores"] == "plus-minus" else 1) + len(channels) + 1.0


def no_layers(model: Classifier, layers: list[str] | None = None) -> str | None:
    """Reason why there are no grids to multiplex; None where there are."""
    reason = no_grid(model, layers[0] if layers else None)
    return reason if reason is not None else no_stages(model, layers)


@explainer(family="class activation maps", passes=passes, cite=citations.POLY_CAM)
def poly_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    scores: Literal["plus", "minus", "plus-minus"] = "plus-minus",
    layers: list[str] | None = None,
    prefix_tokens: Prefix = None,
) -> Attribution:
    """Poly-CAM: maps of fine layers, levelled and multiplied with those of the coarse layers behind them (Englebert et al. 2024).

    From the last layer on: a layer's map is ReLU(Σₖ wₖ Aₖ); it is divided by itself at the resolution of the map so far (LNorm, which
    leaves only how it varies within a cell), and multiplied with that map, both bilinearly. A channel, as in Score-CAM a mask of the image,
    has the weight p(kept) (``plus``), ReLU(p − p(removed)) (``minus``) or ReLU(p(kept) + p − p(removed)), of the target's probability p.
    Returns ``(B, h, w)`` at the first layer's resolution, coarse, not negative. Where LNorm would divide by 0 the map is 0; the authors'
    code leaves out a thousandth of values at both ends of a channel before it makes it a mask. It needs no gradients.

    Args:
        scores: what weighs the channels: the probability of what a mask keeps, the loss by what it removes, or both.
        layers: the layers, by their names, in the network's order; by default the last of each resolution up to the model's `cam_layer`.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    if (reason := no_layers(model, layers)) is not None:
        raise ValueError(reason)
    whole = _probabilities(model, images, targets)[:, None]
    found: Tensor | None = None
    for name in reversed(layers or stage_layers(model)):
        activations = activations_at(model, images, name, prefix_tokens)
        weights = torch.zeros(activations.shape[:2], device=images.device)
        if scores != "minus":
            weights = weights + mask_scores(model, images, targets, activations, masked, _probabilities)
        if scores != "plus":
            weights = weights + whole - mask_scores(model, images, targets, activations, _without, _probabilities)
        here = weighted_map(activations, weights.relu().to(activations)).relu()
        found = here if found is None else levelled(here, found) * _at(found, here)
    assert found is not None
    return Attribution(found, coarse=True)


poly_cam.applicable = no_layers  # type: ignore[attr-defined]


def levelled(maps: Tensor, coarse: Tensor) -> Tensor:
    """LNorm: maps ``(B, h, w)`` divided by themselves at the resolution of ``coarse``; 0 where that is 0."""
    level = _at(_at(maps, coarse), maps)
    return torch.where(level > SMALLEST, maps / level.clamp(min=SMALLEST), 0)


def _at(maps: Tensor, like: Tensor) -> Tensor:
    """Maps ``(B, h, w)`` at the resolution of others, bilinearly."""
    return functional.interpolate(maps[:, None], size=like.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def _without(images: Tensor, masks: Tensor) -> Tensor:
    return masked(images, 1 - masks)


def _probabilities(model: Classifier, inputs: Tensor, targets: Tensor) -> Tensor:
    """``(m,)``: the target's probability of each input, without gradients."""
    with torch.no_grad():
        return model.probabilities(model(inputs)).gather(1, targets[:, None])[:, 0]
