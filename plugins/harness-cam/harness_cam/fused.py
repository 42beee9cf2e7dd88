"""Maps of several layers made one."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, Context, Explainer, explainer
from harness_cam import citations
from harness_cam.stages import no_stages, stage_layers


@explainer(family="class activation maps", signed=True, cite=citations.EIGEN_GRAD_CAM)
def fused_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    over: Explainer = "grad-cam",  # type: ignore[assignment]
    layers: list[str] | None = None,
    fusion: Literal["mean", "max"] = "mean",
    ctx: Context,
) -> Attribution:
    """Fused CAM: the maps that an explainer makes of several layers, each of unit size, averaged or their largest value.

    Each map is brought to the image's size and divided by its own largest magnitude, so that no layer counts by its scale, and keeps its
    sign: ``(B, H, W)``, from −1 to 1. The package grad-cam averages maps that it has brought to 0 … 1.

    Args:
        over: the explainer, one that has a parameter `layer`.
        layers: the layers, by their names; by default the last of each resolution up to the model's `cam_layer`.
        fusion: the ``mean`` of the maps, or at each pixel the largest value of them all (``max``).
    """
    maps = [unit_maps(found) for found in layer_maps(model, images, targets, over, layers, ctx)]
    stacked = torch.stack(maps)
    return Attribution(stacked.mean(dim=0) if fusion == "mean" else stacked.amax(dim=0))


@explainer(family="class activation maps", cite=citations.REFINE_CAM)
def refine_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    over: Explainer = "grad-cam++",  # type: ignore[assignment]
    layers: list[str] | None = None,
    ctx: Context,
) -> Attribution:
    """RefineCAM: the product of the maps of several layers, each from 0 to 1 (Domeniconi et al. 2026).

    Each map is brought to the image's size, its negative values become 0, and its least and largest value 0 and 1; what any layer does
    not show is not in the product: ``(B, H, W)``, from 0 to 1.

    Args:
        over: the explainer, one that has a parameter `layer`.
        layers: the layers, by their names; by default the last of each resolution up to the model's `cam_layer`.
    """
    total = torch.ones(len(images), *images.shape[-2:], device=images.device)
    for found in layer_maps(model, images, targets, over, layers, ctx):
        positive = found.relu()
        total = total * unit_maps(positive - positive.amin((1, 2), keepdim=True))
    return Attribution(total)


for _component in (fused_cam, refine_cam):
    _component.applicable = no_stages  # type: ignore[attr-defined]


def layer_maps(model: Classifier, images: Tensor, targets: Tensor, over: Explainer, layers: list[str] | None, ctx: Context) -> list[Tensor]:
    """Maps ``(B, H, W)`` of an explainer at each layer; raises ``ValueError`` where it has no parameter ``layer``."""
    names = layers or stage_layers(model)
    if not names:
        raise ValueError(no_stages(model, layers))
    return [over.with_params(layer=name)(model, images, targets, ctx=ctx).map for name in names]


def unit_maps(maps: Tensor) -> Tensor:
    """Maps ``(B, H, W)``, each divided by its largest magnitude; zeros stay."""
    largest = maps.abs().amax((1, 2), keepdim=True)
    return torch.where(largest > 0, maps / largest, 0)
