"""Lets a network take and return what classifiers do: float32 images in, float32 logits ``(B, K)`` out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from harness.api.network_outputs import WHOLE_OUTPUT, LogitsPath, TwoClasses
from harness.api.preparation.graph_tracing import give_forward
from harness.api.preparation.module_tree import free_name
from harness.api.preparation.modules import is_sequence


@dataclass(frozen=True)
class Adaptation:
    """Steps between the images and a network, and between what it returns and logits.

    Attributes:
        path: where the logits are in what it returns.
        columns: how many numbers it has for an image, if they come as another shape than ``(B, K)``; else None.
        inputs: what images are cast to, or None.
        cast: whether logits are cast to float32.
        two_classes: the layer that makes two classes of one number, or None.
    """

    path: LogitsPath = WHOLE_OUTPUT
    columns: int | None = None
    inputs: torch.dtype | None = None
    cast: bool = False
    two_classes: TwoClasses | None = None

    @property
    def needed(self) -> bool:
        """Whether the network does not do so by itself."""
        return self != Adaptation()

    def finished(self, values: Tensor) -> Tensor:
        """Logits of what a network returned as a matrix."""
        return values if self.two_classes is None else self.two_classes.to(values.device)(values)


def adapt_network(network: nn.Module, adaptation: Adaptation, around: bool = False) -> nn.Module:
    """``network`` as a module that takes images and returns logits; a network that does so already is returned as it is.

    It is changed in place: its class becomes one that derives from its own, so that its layers keep their names. One whose forward cannot
    be extended (TorchScript, a graph, hooks on the whole), and any if ``around``, becomes the child ``network`` of a module that does the
    rest.
    """
    if isinstance(network, torch.jit.ScriptModule):
        network = _Around(network)  # which takes hooks
    if not adaptation.needed:
        return network
    if around or not _extendable(network):
        network = _Around(network)
    name = None
    if adaptation.two_classes is not None:
        name = free_name(network, "two_classes")
        network.add_module(name, adaptation.two_classes)
    _extend_forward(network, adaptation, name)
    return network


class _Around(nn.Module):
    """Calls a network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Any:
        """Return what the network returns."""
        return self.network(images)


def _extendable(network: nn.Module) -> bool:
    hooked = network._forward_hooks or network._forward_pre_hooks
    return not (isinstance(network, torch.jit.ScriptModule | fx.GraphModule) or "forward" in vars(network) or hooked)


def _sequence_forward_without(head: str | None) -> Callable[..., Any]:
    """The forward of a sequence that ends before its child ``head``."""

    def forward(self: nn.Module, images: Tensor) -> Any:
        output: Any = images
        for name, layer in self._modules.items():
            if layer is not None and name != head:
                output = layer(output)
        return output

    return forward


def _extend_forward(network: nn.Module, adaptation: Adaptation, head: str | None) -> None:
    """Let the forward of ``network`` be its own with ``adaptation`` around it."""
    inner: Callable[..., Any] = _sequence_forward_without(head) if is_sequence(network) else type(network).forward
    path, columns, dtype, cast = adaptation.path, adaptation.columns, adaptation.inputs, adaptation.cast

    def forward(self: nn.Module, images: Tensor) -> Tensor:
        logits: Tensor = path(inner(self, images if dtype is None else images.to(dtype)))
        if columns is not None:
            logits = logits.reshape(images.shape[0], columns)
        if cast:
            logits = logits.float()
        if head is not None:
            logits = getattr(self, head)(logits)
        return logits

    give_forward(network, forward)
