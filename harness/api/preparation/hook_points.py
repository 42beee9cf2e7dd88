"""Where hooks can be put, and what they see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


def iter_hookable(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The named modules that take hooks: all that are not compiled by TorchScript."""
    return ((name, child) for name, child in module.named_modules() if not isinstance(child, torch.jit.ScriptModule))


def iter_scripted(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The outermost modules that are compiled by TorchScript, which take no hooks."""
    inside: str | None = None
    for name, child in module.named_modules():
        if isinstance(child, torch.jit.ScriptModule) and (inside is None or not name.startswith(inside)):
            inside = f"{name}." if name else ""
            yield name, child


def flatten_tensors(output: object) -> list[Tensor]:
    """The tensors in an output, however nested in tuples, lists and dicts."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [tensor for part in output for tensor in flatten_tensors(part)]
    return []
