"""A network's representation of its input at one layer, read during ordinary predictions."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.api import Classifier
from harness.api.network_outputs import TwoClasses


def with_representation(model: Classifier, layer: str | None) -> Classifier:
    """A classifier whose logits ``(B, K)`` are followed by a representation ``(B, F)``, in one row; ``model`` is left as it is.

    Args:
        model: shares its network with what is returned.
        layer: whose output is the representation; None takes the input of the linear layer that is called last, the features that the
            classes are decided from, and for a network without one the output of ``cam_layer``.

    Raises ``ValueError`` for a layer that the model has not.
    """
    if layer is not None:
        model.layer(layer)
    twin = copy.copy(model)
    for remembered in ("digest", "architecture", "num_classes"):
        twin.__dict__.pop(remembered, None)
    twin.module = _Read(model.module, layer, model.cam_layer)
    return twin


class _Read(nn.Module):
    """Runs a network with hooks that are gone when it returns, and appends what they saw."""

    def __init__(self, network: nn.Module, layer: str | None, fallback: str | None) -> None:
        super().__init__()
        self.network, self.layer, self.fallback = network, layer, fallback

    def forward(self, inputs: Tensor) -> Tensor:
        """``(B, K + F)``."""
        seen: dict[str, Tensor] = {}
        wanted = self.layer or self.fallback
        handles = [self.network.get_submodule(wanted).register_forward_hook(_output(seen, wanted))] if wanted else []
        if self.layer is None:
            linear = [module for module in self.network.modules() if isinstance(module, nn.Linear) and not isinstance(module, TwoClasses)]
            handles += [module.register_forward_pre_hook(_input(seen)) for module in linear]
        try:
            logits: Tensor = self.network(inputs)
        finally:
            for handle in handles:
                handle.remove()
        return torch.cat([logits, _chosen(seen, self.layer, self.fallback).flatten(1).to(logits)], dim=1)


def _output(seen: dict[str, Tensor], name: str) -> Callable[[nn.Module, object, object], None]:
    def note(module: nn.Module, args: object, output: object) -> None:
        if isinstance(output, Tensor):
            seen[name] = output

    return note


def _input(seen: dict[str, Tensor]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    """The empty name is no layer's: it stands for the input of the linear layer called last."""

    def note(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        if args:
            seen[""] = args[0]

    return note


def _chosen(seen: dict[str, Tensor], layer: str | None, fallback: str | None) -> Tensor:
    for name in (layer,) if layer is not None else ("", fallback):
        if name in seen:
            return seen[name]
    raise ValueError(f"layer {layer!r} gives no tensor" if layer else "the model has no linear layer and no cam_layer: name a layer")
