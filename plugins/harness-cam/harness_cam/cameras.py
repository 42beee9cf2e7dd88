"""CAMERAS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import named_layer, no_layer
from harness.api.gradients import once_per_network
from harness_cam import citations
from harness_cam.capture import Captured, capture, forward_to
from harness_cam.explainers import Prefix

CHANNELS = 32
"""As many are brought to the image's size together."""


def passes(params: Mapping[str, Any]) -> float:
    """Passes per image, forward and backward at every size; those at larger sizes take as many times longer as they have pixels."""
    return 2.0 * params["sizes"]


def no_other_size(model: Classifier, layer: str | None = None) -> str | None:
    """Reason why the model has no grid of activations of images of another size than its own; None where it has."""
    reason = no_layer(model, layer)
    return reason if reason is not None or (model.cam_layer is None and layer is None) else _fixed_size(model, named_layer(model, layer))


@explainer(family="class activation maps", passes=passes, cite=citations.CAMERAS)
def cameras(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    sizes: Annotated[int, Field(ge=1)] = 8,
    growth: Annotated[float, Field(gt=0)] = 100 / 224,
    layer: str | None = None,
    relu: bool = True,
    prefix_tokens: Prefix = None,
) -> Attribution:
    """CAMERAS: activations times gradients, both averaged over enlarged copies of the image (Jalwana et al. 2021).

    Σₖ Āₖ ḡₖ: of images brought bicubically to each size, activations and gradients are brought back to the image's own bilinearly and
    averaged, then multiplied position by position: ``(B, H, W)`` at the image's size. With one size it is HiResCAM of enlarged factors.
    Not applicable to a model that takes images of one size only. Every size counts, since the target is given.

    Args:
        sizes: how many, the image's own among them; 8 in the paper, from 224 to 924 pixels.
        growth: by how much of the image's side the next size is larger: 100 of 224 pixels in the paper.
        layer: the layer whose activations are weighted, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; without it the map is signed.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    if (reason := no_other_size(model, layer)) is not None:
        raise ValueError(reason)
    found = [capture(model, enlarged(images, 1 + growth * k), targets, layer, prefix_tokens) for k in range(sizes)]
    size = (images.shape[-2], images.shape[-1])
    maps = torch.zeros(len(images), *size, device=images.device)
    for start in range(0, found[0].activations.shape[1], CHANNELS):
        activations, gradients = (_mean(found, part, slice(start, start + CHANNELS), size) for part in (0, 1))
        maps += (activations * gradients).sum(dim=1).to(maps)
    return Attribution(maps.relu() if relu else maps)


cameras.applicable = no_other_size  # type: ignore[attr-defined]


def enlarged(images: Tensor, factor: float) -> Tensor:
    """Images ``(B, C, H, W)`` with their sides ``factor`` times as long, bicubically; themselves if it is 1."""
    if factor == 1:
        return images
    size = (round(images.shape[-2] * factor), round(images.shape[-1] * factor))
    return functional.interpolate(images, size=size, mode="bicubic", align_corners=False)


def _mean(found: list[Captured], part: int, channels: slice, size: tuple[int, int]) -> Tensor:
    """Some channels of activations (part 0) or gradients (1), brought to ``size`` and averaged over what was captured."""
    large = [functional.interpolate(each[part][:, channels], size=size, mode="bilinear", align_corners=False) for each in found]
    return torch.stack(large).mean(dim=0)


@once_per_network
def _probes(model: Classifier) -> dict[str, str | None]:
    """What has been found of layers of a network."""
    return {}


def _fixed_size(model: Classifier, name: str) -> str | None:
    known = _probes(model)
    if name not in known:
        known[name] = _probe(model, name)
    return known[name]


def _probe(model: Classifier, name: str) -> str | None:
    image = torch.rand(1, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    refused = "the model takes images of one size only, and CAMERAS enlarges them"
    try:
        with torch.no_grad():
            own, larger = (forward_to(model, enlarged(image, factor), name)[1] for factor in (1, 1.5))
    except Exception:  # whatever a network raises that cannot take the size
        return refused
    return None if own.ndim == 4 and own.shape[2:] != larger.shape[2:] else refused
