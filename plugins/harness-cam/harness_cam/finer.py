"""Finer-CAM."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import no_layer
from harness_cam import citations
from harness_cam.capture import capture
from harness_cam.explainers import Prefix
from harness_cam.maps import grad_cam_map


@explainer(family="class activation maps", passes=2, cite=citations.FINER_CAM)
def finer_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    classes: Annotated[int, Field(ge=1)] = 3,
    strength: Annotated[float, Field(ge=0)] = 1.0,
    layer: str | None = None,
    relu: bool = True,
    prefix_tokens: Prefix = None,
) -> Attribution:
    """Finer-CAM: Grad-CAM of what sets the target apart from the classes that are most like it (Zhang et al. 2025).

    The gradient is that of Σ p_d (y_c − γ y_d) / Σ p_d over the classes d whose logits are nearest to the target's, each by its
    probability p_d, which the gradient goes through too, as in the authors' code: ``(B, h, w)``, coarse. With γ = 0 and one class it is
    Grad-CAM.

    Args:
        classes: how many classes the target is compared with; of a model that has fewer others, all.
        strength: γ, how much of the other classes' logits is taken off.
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    if (reason := no_layer(model, layer)) is not None:
        raise ValueError(reason)

    def score(logits: Tensor, targets: Tensor) -> Tensor:
        own = logits.gather(1, targets[:, None])
        distance = (logits - own).detach().abs().scatter(1, targets[:, None], -1)
        others = distance.argsort(dim=1, stable=True)[:, 1 : classes + 1]
        weights = logits.softmax(dim=1).gather(1, others)
        weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=torch.finfo(logits.dtype).tiny)
        return (weights * (own - strength * logits.gather(1, others))).sum(dim=1)

    captured = capture(model, images, targets, layer, prefix_tokens, score)
    maps = grad_cam_map(captured.activations, captured.gradients)
    return Attribution(maps.relu() if relu else maps, coarse=True)


finer_cam.applicable = no_layer  # type: ignore[attr-defined]
