"""The explainers. Maps come at the layer's resolution and are never normalised: sign and scale are the method's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import no_layer
from harness_cam import citations
from harness_cam.capture import capture
from harness_cam.maps import grad_cam_map, grad_cam_plus_plus_map, hires_cam_map, layer_cam_map, xgrad_cam_map

Prefix = Annotated[int, Field(ge=0)] | None
"""How many tokens stand before those that form the grid, where the network does not show it."""


@explainer(family="class activation maps", passes=2, cite=citations.GRAD_CAM)
def grad_cam(
    model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True, prefix_tokens: Prefix = None
) -> Attribution:
    """Grad-CAM: a layer's activations weighted by the mean gradients of their channels.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    return _explained(grad_cam_map, model, images, targets, layer, relu, prefix_tokens)


@explainer(family="class activation maps", passes=2, cite=citations.GRAD_CAM_PLUS_PLUS)
def grad_cam_plus_plus(
    model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True, prefix_tokens: Prefix = None
) -> Attribution:
    """Grad-CAM++: channel weights from positive gradients, each position weighted by the score's higher derivatives.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    return _explained(grad_cam_plus_plus_map, model, images, targets, layer, relu, prefix_tokens)


@explainer(family="class activation maps", passes=2, cite=citations.XGRAD_CAM)
def xgrad_cam(
    model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True, prefix_tokens: Prefix = None
) -> Attribution:
    """XGrad-CAM: channel weights from gradients averaged over each channel's own activations.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    return _explained(xgrad_cam_map, model, images, targets, layer, relu, prefix_tokens)


@explainer(family="class activation maps", passes=2, cite=citations.LAYER_CAM)
def layer_cam(
    model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True, prefix_tokens: Prefix = None
) -> Attribution:
    """Layer-CAM: every activation weighted by its own positive gradient, so that early layers give fine maps.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    return _explained(layer_cam_map, model, images, targets, layer, relu, prefix_tokens)


@explainer(family="class activation maps", passes=2, cite=citations.HIRES_CAM)
def hires_cam(
    model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True, prefix_tokens: Prefix = None
) -> Attribution:
    """HiResCAM: every activation times its own gradient, so that what lowers the logit at a position lowers the map there.

    Σₖ gₖ Aₖ (Draelos and Carin 2020), ``(B, h, w)``, coarse. Where all behind the layer is linear the map without ReLU sums to
    the logit less its bias, and behind global average pooling it is Grad-CAM's.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    return _explained(hires_cam_map, model, images, targets, layer, relu, prefix_tokens)


for _component in (grad_cam, grad_cam_plus_plus, xgrad_cam, layer_cam, hires_cam):
    _component.applicable = no_layer  # type: ignore[attr-defined]


def _explained(
    equation: Callable[[Tensor, Tensor], Tensor],
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    layer: str | None,
    relu: bool,
    prefix_tokens: int | None,
) -> Attribution:
    """The map of one equation at one layer ``(B, h, w)``; without ``relu`` it is signed."""
    if (reason := no_layer(model, layer)) is not None:
        raise ValueError(reason)
    captured = capture(model, images, targets, layer, prefix_tokens)
    maps = equation(captured.activations, captured.gradients)
    return Attribution(maps.relu() if relu else maps, coarse=True)
