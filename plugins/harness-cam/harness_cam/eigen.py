"""Explainers that show what most of a layer's activations have in common: their first singular vector."""

from __future__ import annotations

from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import no_grid, no_layer
from harness_cam import citations
from harness_cam.capture import activations_at, capture
from harness_cam.explainers import Prefix
from harness_cam.maps import first_component_map


@explainer(family="class activation maps", passes=1, cite=citations.EIGEN_CAM)
def eigen_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    layer: str | None = None,
    centred: bool = False,
    relu: bool = True,
    prefix_tokens: Prefix = None,
) -> Attribution:
    """Eigen-CAM: a layer's activations projected on their first right singular vector, whatever the class.

    A v₁ of A = U Σ Vᵀ, positions by channels (Muhammad and Yeasin 2020): ``(B, h, w)``, coarse. **It looks at no class**: the
    map is the same for every target. Its sign, which a singular vector has not, is that of the activations' sum.

    Args:
        layer: the layer whose activations are projected, by its name; by default the model's `cam_layer`.
        centred: whether each channel's mean is taken off first, as the package grad-cam does and the paper does not.
        relu: whether only positive values are kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    _require(no_grid(model, layer))
    maps = first_component_map(activations_at(model, images, layer, prefix_tokens), centred)
    return Attribution(maps.relu() if relu else maps, coarse=True)


@explainer(family="class activation maps", passes=2, cite=citations.EIGEN_GRAD_CAM)
def eigen_grad_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    layer: str | None = None,
    centred: bool = True,
    relu: bool = True,
    prefix_tokens: Prefix = None,
) -> Attribution:
    """EigenGrad-CAM: activations times gradients, projected on their first right singular vector.

    No paper defines it: it is of the package grad-cam, which applies Eigen-CAM to g A, positions by channels, each channel less its mean.
    The map ``(B, h, w)``, coarse, has the sign of HiResCAM's, where theirs is the sign that the decomposition happens to give.

    Args:
        layer: the layer whose activations are projected, by its name; by default the model's `cam_layer`.
        centred: whether each channel's mean is taken off first.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    _require(no_layer(model, layer))
    captured = capture(model, images, targets, layer, prefix_tokens)
    maps = first_component_map(captured.gradients * captured.activations, centred)
    return Attribution(maps.relu() if relu else maps, coarse=True)


eigen_cam.applicable = no_grid  # type: ignore[attr-defined]
eigen_grad_cam.applicable = no_layer  # type: ignore[attr-defined]


def _require(reason: str | None) -> None:
    if reason is not None:
        raise ValueError(reason)
