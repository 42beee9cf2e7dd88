"""The stages of a network, and which of its weights learn."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from harness_torchvision.heads import head_of


def stages_of(network: nn.Module, example: Tensor) -> list[list[str]]:
    """Names of the layers with weights of each stage: those whose outputs for ``example`` (B, C, H, W) have one height and width.

    In a VGG a stage is what lies between two max poolings. Layers whose outputs have no height and width belong to no stage.
    """
    sizes: dict[tuple[int, int], list[str]] = {}

    def note(name: str) -> object:
        def hook(layer: nn.Module, given: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                names = sizes.setdefault((output.shape[2], output.shape[3]), [])
                if name not in names:
                    names.append(name)

        return hook

    layers = {name: layer for name, layer in network.named_modules() if next(layer.parameters(recurse=False), None) is not None}
    hooks = [layer.register_forward_hook(note(name)) for name, layer in layers.items()]  # type: ignore[arg-type]
    was = network.training
    try:
        with torch.no_grad():
            network.eval()(example)
    finally:
        network.train(was)
        for hook in hooks:
            hook.remove()
    return list(sizes.values())


def learning_layers(network: nn.Module, example: Tensor, tune: str) -> list[str]:
    """Names of the layers with weights that learn.

    Raises ``ValueError`` for more stages than there are.

    Args:
        network: the whole.
        example: an input (B, C, H, W).
        tune: ``all``, ``head`` (the last layer alone), or ``2conv``: the first two stages, and the last layer, whose classes are new.
    """
    layers = [name for name, layer in network.named_modules() if next(layer.parameters(recurse=False), None) is not None]
    if tune == "all":
        return layers
    chosen = {head_of(network)}
    if (match := re.fullmatch(r"(\d+)conv", tune)) is not None:
        stages = stages_of(network, example)
        if int(match[1]) > len(stages):
            raise ValueError(f"tune: {tune}, and the network has {len(stages)} stages: 1conv to {len(stages)}conv, head or all")
        chosen.update(name for stage in stages[: int(match[1])] for name in stage)
    return [name for name in layers if name in chosen]


def freeze_others(network: nn.Module, learning: list[str]) -> None:
    """Let only these layers learn."""
    for name, layer in network.named_modules():
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(name in learning)


def set_training_mode(network: nn.Module) -> None:
    """Training mode, but for batch normalisations whose weights do not learn: their statistics stay as they are too."""
    network.train()
    for layer in network.modules():
        own = list(layer.parameters(recurse=False))
        if isinstance(layer, _BatchNorm) and own and not any(parameter.requires_grad for parameter in own):
            layer.eval()
