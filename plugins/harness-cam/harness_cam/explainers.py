"""The explainers. Maps come at the layer's resolution and are never normalised: sign and scale are the method's own."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from harness.api import Attribution, Classifier, explainer
from harness.api.features import features
from harness_cam import citations
from harness_cam.capture import capture
from harness_cam.maps import grad_cam_map, grad_cam_plus_plus_map, layer_cam_map, xgrad_cam_map


def no_layer(model: Classifier) -> str | None:
    """Why no class activation map can be made of the model by default; None where one can."""
    if model.cam_layer is None:
        return "the model has no convolution and names no cam_layer, so that there is no grid of activations to weigh"
    if isinstance(model.layer(model.cam_layer), nn.Conv2d) and "convolutions" not in features(model):
        return f"{model.cam_layer}, the model's only convolution, embeds patches; name a layer whose tokens form a grid as its cam_layer"
    return None


@explainer(passes=2, cite=citations.GRAD_CAM)
def grad_cam(model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True) -> Attribution:
    """Grad-CAM: a layer's activations weighted by the mean gradients of their channels.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
    """
    return _explained(grad_cam_map, model, images, targets, layer, relu)


@explainer(passes=2, cite=citations.GRAD_CAM_PLUS_PLUS)
def grad_cam_plus_plus(model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True) -> Attribution:
    """Grad-CAM++: channel weights from positive gradients, each position weighted by the score's higher derivatives.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
    """
    return _explained(grad_cam_plus_plus_map, model, images, targets, layer, relu)


@explainer(passes=2, cite=citations.XGRAD_CAM)
def xgrad_cam(model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True) -> Attribution:
    """XGrad-CAM: channel weights from gradients averaged over each channel's own activations.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
    """
    return _explained(xgrad_cam_map, model, images, targets, layer, relu)


@explainer(passes=2, cite=citations.LAYER_CAM)
def layer_cam(model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = True) -> Attribution:
    """Layer-CAM: every activation weighted by its own positive gradient, so that early layers give fine maps.

    Args:
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
    """
    return _explained(layer_cam_map, model, images, targets, layer, relu)


for _component in (grad_cam, grad_cam_plus_plus, xgrad_cam, layer_cam):
    _component.applicable = no_layer  # type: ignore[attr-defined]


def _explained(
    equation: Callable[[Tensor, Tensor], Tensor], model: Classifier, images: Tensor, targets: Tensor, layer: str | None, relu: bool
) -> Attribution:
    """The map of one equation at one layer ``(B, h, w)``; without ``relu`` it is signed."""
    captured = capture(model, images, targets, layer)
    maps = equation(captured.activations, captured.gradients)
    return Attribution(maps.relu() if relu else maps, coarse=True)
