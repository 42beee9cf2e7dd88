"""CAM, of networks that end in global average pooling and one linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.api import Attribution, Classifier, explainer
from harness.api.activation_grids import grid_at, named_layer, no_grid
from harness_cam import citations
from harness_cam.capture import forward_to
from harness_cam.explainers import Prefix
from harness_cam.maps import weighted_map

TOLERANCE = 1e-4
"""Difference, relative to the largest value, up to which two tensors are the same."""


def no_class_weights(model: Classifier, layer: str | None = None) -> str | None:
    """Reason why the classes' weights of the channels of ``layer`` are not those of the network's head; None where they are."""
    if (reason := no_grid(model, layer)) is not None:
        return reason
    name = named_layer(model, layer)
    noise = torch.rand(2, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    try:
        found = head_behind(model, noise, name)[1]
    except ValueError as error:
        return str(error)
    return None if found is not None else _reason(name)


@explainer(family="class activation maps", signed=True, passes=1, cite=citations.CAM)
def cam(
    model: Classifier, images: Tensor, targets: Tensor, *, layer: str | None = None, relu: bool = False, prefix_tokens: Prefix = None
) -> Attribution:
    """CAM: a layer's activations weighted by the target's weights in the linear layer behind global average pooling.

    Σₖ wₖ Aₖ (Zhou et al. 2016): ``(B, h, w)``, coarse and signed; its mean over positions is the logit less its bias. Not
    applicable where anything else than the mean over positions stands between the layer and the last linear layer.

    Args:
        layer: the layer that is pooled, by its name; by default the model's `cam_layer`.
        relu: whether only evidence for the target is kept; the paper keeps all.
        prefix_tokens: how many tokens stand before those that form the grid; by default what the network shows.
    """
    if (reason := no_grid(model, layer)) is not None:
        raise ValueError(reason)
    name = named_layer(model, layer)
    activations, head = head_behind(model, images, name, prefix_tokens)
    if head is None:
        raise ValueError(_reason(name))
    maps = weighted_map(activations, head.weight[targets.to(head.weight.device)].to(activations))
    return Attribution(maps.relu() if relu else maps, coarse=True)


cam.applicable = no_class_weights  # type: ignore[attr-defined]


def head_behind(model: Classifier, images: Tensor, name: str, prefix_tokens: int | None = None) -> tuple[Tensor, nn.Linear | None]:
    """Activations of layer ``name`` ``(B, K, h, w)``, and the linear layer that makes the logits of their means; None if there is none."""
    calls: list[tuple[nn.Linear, Tensor, Tensor]] = []

    def note(module: nn.Module, args: tuple[object, ...], output: object) -> None:
        if isinstance(module, nn.Linear) and isinstance(args[0], Tensor) and isinstance(output, Tensor):
            calls.append((module, args[0], output))

    handles = [module.register_forward_hook(note) for module in model.module.modules() if isinstance(module, nn.Linear)]
    try:
        with torch.no_grad():
            logits, output = forward_to(model, images, name)
    finally:
        for handle in handles:
            handle.remove()
    activations = grid_at(model, images, output.detach(), name, prefix_tokens)
    means = activations.mean(dim=(2, 3))
    heads = [head for head, pooled, returned in calls if _same(pooled, means) and _same(returned, logits)]
    return activations, heads[-1] if heads else None


def _same(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    return bool((one.to(other) - other).abs().max() <= TOLERANCE * other.abs().max())


def _reason(name: str) -> str:
    return (
        f"CAM is defined where the logits are one linear layer of the means of a layer's channels, and those of {name!r} go "
        "through something else: Grad-CAM is its generalisation"
    )
