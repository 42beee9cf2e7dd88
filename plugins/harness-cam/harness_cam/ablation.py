"""Ablation-CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import no_grid
from harness_cam import citations
from harness_cam.explainers import Prefix
from harness_cam.later_layers import LaterLayers
from harness_cam.maps import weighted_map

CHANNELS = 512
"""Of the last convolution of many networks: what is declared is for so many."""


def passes(params: Mapping[str, Any], channels: int = CHANNELS) -> float:
    """Forward passes per image: one of all layers, those that look for ways round the layer, and one of the later layers per channel."""
    return channels + 2.0


@explainer(family="class activation maps", passes=passes, cite=citations.ABLATION_CAM)
def ablation_cam(
    model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True, prefix_tokens: Prefix = None
) -> Attribution:
    """Ablation-CAM: a layer's activations weighted by how far the logit falls when their channel is set to zero.

    Σₖ wₖ Aₖ with wₖ = (y − yₖ) / |y| (Desai and Ramaswamy 2020): ``(B, h, w)``, coarse. The paper divides by y, which it
    takes to be positive; of a negative logit that would turn evidence round. A logit of 0 divides nothing. The package grad-cam sets
    channels to −10⁷ instead of zero where the layer's least output is not 0.

    It needs no gradients. The layers up to this one are run once, those behind it once per channel, many channels together; where a branch
    goes round the layer all layers are run for every channel.

    Args:
        layer: the layer whose channels are set to zero, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    if (reason := no_grid(model, layer)) is not None:
        raise ValueError(reason)
    network = LaterLayers(model, images, layer, prefix_tokens)
    logits = network.logits.gather(1, targets[:, None])
    drops = logits - network.logits_without_channels(targets)
    maps = weighted_map(network.activations, drops / torch.where(logits == 0, 1, logits.abs()))
    return Attribution(maps.relu() if relu else maps, coarse=True)


ablation_cam.applicable = no_grid  # type: ignore[attr-defined]
