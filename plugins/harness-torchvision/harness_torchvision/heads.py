"""The layer of a network that gives its logits."""

from __future__ import annotations

from torch import nn


def head_of(module: nn.Module) -> str:
    """The name of the layer that gives the logits: the last one that is linear, or a convolution."""
    found: str = [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)][-1]
    return found


def resize_head(module: nn.Module, head: str, classes: int) -> None:
    """Give the layer ``head`` of ``module`` another number of outputs; where it has them already it stays."""
    layer = module.get_submodule(head)
    parent, name = module.get_submodule(head.rpartition(".")[0]), head.rpartition(".")[2]
    if isinstance(layer, nn.Linear) and layer.out_features != classes:
        setattr(parent, name, nn.Linear(layer.in_features, classes, bias=layer.bias is not None))
    elif isinstance(layer, nn.Conv2d) and layer.out_channels != classes:
        setattr(parent, name, nn.Conv2d(layer.in_channels, classes, kernel_size=1))
