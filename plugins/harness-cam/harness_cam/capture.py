"""One forward and one backward pass: a layer's activations and the gradients of the target's logit there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.api import Classifier
from harness.api.activation_grids import grid_at, named_layer


class Captured(NamedTuple):
    """Activations of a layer and the gradients of each sample's own target logit, both ``(B, K, h, w)``."""

    activations: Tensor
    gradients: Tensor


def target_score(logits: Tensor, targets: Tensor) -> Tensor:
    """``(B,)``: the target's logit of ``(B, classes)``."""
    return logits.gather(1, targets[:, None])[:, 0]


def capture(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    layer: str | None = None,
    prefix_tokens: int | None = None,
    score: Callable[[Tensor, Tensor], Tensor] = target_score,
) -> Captured:
    """Run ``images`` (B, C, H, W) once forward, and once backward from the logits of ``targets`` (B,), or their ``score``, to ``layer``.

    ``layer`` is any of ``model.layers``, by default ``model.cam_layer``; of tokens ``prefix_tokens`` stand before the grid (default: as
    many as the network puts there, which one pass of an image shows). What lies before it is not differentiated, the model and the
    images are left as they are, and the hook is removed whatever happens. Samples do not mix: each logit depends on its own image
    alone, so that the gradient of their sum holds every sample's own.

    Raises ``ValueError`` where there is no such layer, where it is not run exactly once, does not reach the logits, or returns no grid.
    """
    name = named_layer(model, layer)
    with torch.enable_grad():
        logits, activations = forward_to(model, images, name)
        total = score(logits, targets).sum()
        gradients = torch.autograd.grad(total, activations, allow_unused=True)[0] if total.requires_grad else None
    if gradients is None:
        raise ValueError(f"the logits do not depend on what layer {name!r} returns")
    return Captured(*(grid_at(model, images, tensor, name, prefix_tokens) for tensor in (activations.detach(), gradients)))


def activations_at(model: Classifier, images: Tensor, layer: str | None = None, prefix_tokens: int | None = None) -> Tensor:
    """Activations of a layer ``(B, K, h, w)`` by one forward pass without gradients; raises as `capture` does."""
    name = named_layer(model, layer)
    with torch.no_grad():
        return grid_at(model, images, forward_to(model, images, name)[1].detach(), name, prefix_tokens)


def forward_to(model: Classifier, images: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """The logits, and what layer ``name`` returned: the leaf from which the logits' graph begins, where there is to be one."""
    outputs: list[object] = []

    def cut(module: nn.Module, args: object, output: object) -> object:
        """Hand on a copy of the output, so that nothing later is written into the leaf."""
        if not isinstance(output, Tensor):
            outputs.append(output)
            return output
        leaf = output.detach().requires_grad_()
        outputs.append(leaf)
        return leaf.clone()

    handle = model.layer(name).register_forward_hook(cut, prepend=True)  # before hooks of the network's own, which may keep what they see
    try:
        logits = model(images.detach())
    finally:
        handle.remove()
    if len(outputs) != 1:
        raise ValueError(f"layer {name!r} was run {len(outputs)} times in one forward pass; choose a layer that is run once")
    (output,) = outputs
    if not isinstance(output, Tensor):
        raise ValueError(f"layer {name!r} returns a {type(output).__name__}, not one tensor; choose another with `layer`")
    return logits, output
