"""Opti-CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import no_layer
from harness_cam import citations
from harness_cam.capture import activations_at
from harness_cam.explainers import Prefix
from harness_cam.maps import weighted_map
from harness_cam.scored import masked, unit_masks

EPSILON = 1e-3
"""Adam's ε, in units of each image's largest first gradient: 1e-8 would make whole steps of what rounding leaves of gradients of 0."""


def passes(params: Mapping[str, Any]) -> float:
    """Forward-equivalents: one of the image, and a gradient per step."""
    return 2.0 * params["steps"] + 1


@explainer(family="class activation maps", passes=passes, cite=citations.OPTI_CAM)
def opti_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Annotated[int, Field(ge=0)] = 100,
    rate: Annotated[float, Field(gt=0)] = 0.1,
    layer: str | None = None,
    prefix_tokens: Prefix = None,
) -> Attribution:
    """Opti-CAM: weights of a layer's channels under which the map, as a mask of the image, has the greatest logit (Zhang et al. 2024).

    The map is Σₖ softmax(u)ₖ ReLU(Aₖ); brought to the image's size and to 0 … 1 it multiplies the model's input, and Adam takes ``steps``
    steps up the target's logit in u, from weights that are all the same: ``(B, h, w)``, coarse, not negative. Every image has its own u.
    The authors' code stops where the sum of a batch's losses has grown; here all steps are taken, so that no map depends on its batch, and
    Adam's ε is a thousandth of an image's largest first gradient, so that rounding takes no steps.
    The search climbs to where the mask's largest or least value is at two pixels alike, and goes from side to side there: which side it is
    on hangs on the last bit of the layer's activations, which a CPU computes another way for one image than for several. Of 16 digits one
    had another map alone than among others, by 6 % of its largest value from 40 steps on; of the others half differed by less than 2 in a
    million at 40 steps, and 0.1 % at 100. In batches of two or more all were equal to a thousandth. Only another search would mend that.

    Args:
        steps: steps of the search; with none all channels weigh the same.
        rate: Adam's learning rate.
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    if (reason := no_layer(model, layer)) is not None:
        raise ValueError(reason)
    activations = activations_at(model, images, layer, prefix_tokens).relu()
    size = (images.shape[-2], images.shape[-1])
    weights = torch.full_like(activations[:, :, 0, 0], 0.5).requires_grad_()
    search = torch.optim.Adam([weights], lr=rate, eps=EPSILON)
    scale: Tensor | None = None
    with torch.enable_grad():
        for _ in range(steps):
            masks = unit_masks(weighted_map(activations, weights.softmax(dim=1))[:, None], size)
            logits = model(masked(images.detach(), masks.to(images))[:, 0])
            (gradients,) = torch.autograd.grad(-logits.gather(1, targets[:, None]).sum(), weights)
            scale = gradients.abs().amax(dim=1, keepdim=True) if scale is None else scale
            weights.grad = torch.where(scale > 0, gradients / scale, gradients)
            search.step()
    return Attribution(weighted_map(activations, weights.detach().softmax(dim=1)), coarse=True)


opti_cam.applicable = no_layer  # type: ignore[attr-defined]
