"""Smooth Grad-CAM++."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, explainer
from harness.api.activation_grids import no_layer
from harness_cam import citations
from harness_cam.capture import activations_at, capture
from harness_cam.explainers import Prefix
from harness_cam.maps import weighted_map


def passes(params: Mapping[str, Any]) -> float:
    """Forward-equivalents: one of the image, and a gradient of each noisy copy."""
    return 2.0 * params["draws"] + 1


@explainer(family="class activation maps", passes=passes, cite=citations.SMOOTH_GRAD_CAM_PLUS_PLUS)
def smooth_grad_cam_plus_plus(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Annotated[int, Field(ge=1)] = 4,
    noise: Annotated[float, Field(ge=0)] = 0.3,
    layer: str | None = None,
    relu: bool = True,
    prefix_tokens: Prefix = None,
    ctx: Context,
) -> Attribution:
    """Smooth Grad-CAM++: Grad-CAM++ whose derivatives are means over noisy copies of the image (Omeiza et al. 2019).

    Σₖ wₖ Aₖ of the image's own activations, where wₖ = Σ α ReLU(D₁), α = D₂ / (2 D₂ + D₃ Σ A), and Dₚ is the mean of gᵖ over the copies:
    ``(B, h, w)``, coarse. The paper prints D₁ in the numerator of α, and the package torch-cam takes D₁ from its last copy alone; without
    noise this is Grad-CAM++, which either of the two is not.

    Args:
        draws: noisy copies of each image, 4 as in torch-cam.
        noise: standard deviation of the Gaussian noise, in the units of the model's input.
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    if (reason := no_layer(model, layer)) is not None:
        raise ValueError(reason)
    activations = activations_at(model, images, layer, prefix_tokens)
    first, second, third = (torch.zeros_like(activations) for _ in range(3))
    for _ in range(draws):
        noisy = images + noise * ctx.noise(images.shape[1:]).to(images)
        gradients = capture(model, noisy, targets, layer, prefix_tokens).gradients
        first, second, third = first + gradients, second + gradients.square(), third + gradients**3
    denominator = 2 * second + third * activations.sum(dim=(2, 3), keepdim=True)
    counted = (second > 0) & (denominator != 0)
    shares = torch.where(counted, second / torch.where(counted, denominator, 1), 0)
    maps = weighted_map(activations, (shares * (first / draws).relu()).sum(dim=(2, 3)))
    return Attribution(maps.relu() if relu else maps, coarse=True)


smooth_grad_cam_plus_plus.applicable = no_layer  # type: ignore[attr-defined]
