"""A model's inner layer: what goes into it, and the model with that replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.api import Classifier


class _Reached(Exception):
    """The layer's input is known; the rest of the forward pass is not needed."""


def layer_input(model: Classifier, layer: str, images: Tensor) -> Tensor:
    """Input of ``layer`` when the model looks at ``images``: ``(B, …)``, without gradients.

    Raises ``ValueError`` where the model has no such layer, or never calls it.
    """
    taken: list[Tensor] = []

    def keep(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        taken.append(arguments[0].detach())
        raise _Reached

    handle = model.layer(layer).register_forward_pre_hook(keep)
    try:
        with torch.no_grad():
            model(images)
    except _Reached:
        return taken[0]
    finally:
        handle.remove()
    raise ValueError(f"the model has a layer {layer!r}, but does not call it")


@contextmanager
def replaced_input(model: Classifier, layer: str, values: Tensor) -> Iterator[None]:
    """Let ``layer`` take ``values`` instead of what comes from the layers before it."""
    handle = model.layer(layer).register_forward_pre_hook(lambda module, arguments: (values, *arguments[1:]))
    try:
        yield
    finally:
        handle.remove()
