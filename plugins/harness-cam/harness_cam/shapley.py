"""Shapley-CAM."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import grid_at, named_layer, no_layer
from harness.api.second_gradients import second_gradients
from harness_cam import citations
from harness_cam.capture import forward_to
from harness_cam.explainers import Prefix
from harness_cam.maps import grad_cam_map


@explainer(family="class activation maps", passes=3, cite=citations.SHAPLEY_CAM)
def shapley_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    utility: Literal["residual", "logit"] = "residual",
    layer: str | None = None,
    relu: bool = True,
    prefix_tokens: Prefix = None,
) -> Attribution:
    """ShapleyCAM: Grad-CAM with half of the curvature taken off, as a second-order Shapley value has it (Cai 2025).

    Σₖ wₖ Aₖ, where wₖ is channel k's mean of g − ½ H A, of the gradient g and the Hessian H of the utility in the layer's activations:
    ``(B, h, w)``, coarse. Of the logits of a network of ReLUs H is 0, and the map Grad-CAM's; the paper's utility is the residual
    softmax, the target's logit and the logarithm of its probability together.

    Args:
        utility: what the channels share: ``residual``, y + log softmax(y), or the ``logit``.
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    if (reason := no_layer(model, layer)) is not None:
        raise ValueError(reason)
    name = named_layer(model, layer)
    with second_gradients(), torch.enable_grad():
        logits, outputs = forward_to(model, images, name)
        scores = logits + logits.log_softmax(dim=1) if utility == "residual" else logits
        (gradients,) = torch.autograd.grad(scores.gather(1, targets[:, None]).sum(), outputs, create_graph=True, allow_unused=True)
        if gradients is None:
            raise ValueError(f"the logits do not depend on what layer {name!r} returns")
        curved = None
        if gradients.requires_grad:
            product = (gradients * outputs.detach()).sum()
            (curved,) = torch.autograd.grad(product, outputs, allow_unused=True)
    weights = gradients.detach() if curved is None else gradients.detach() - curved / 2
    grids = (grid_at(model, images, tensor, name, prefix_tokens) for tensor in (outputs.detach(), weights))
    maps = grad_cam_map(*grids)
    return Attribution(maps.relu() if relu else maps, coarse=True)


shapley_cam.applicable = no_layer  # type: ignore[attr-defined]
