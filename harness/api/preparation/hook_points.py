"""Hooks: where they can be put, what they see, and that they go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

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


@contextmanager
def watch_calls(
    module: nn.Module,
    enter: Callable[[str, nn.Module, tuple[Any, ...], dict[str, Any]], None] | None = None,
    leave: Callable[[str, nn.Module, Any], None] | None = None,
    among: Callable[[str, nn.Module], bool] = lambda name, layer: True,
) -> Iterator[None]:
    """Inside the block, have each call of a module that takes hooks noticed; the hooks go, whatever happens.

    ``enter(name, module, args, kwargs)`` is called before it, ``leave(name, module, output)`` after it; of modules ``among`` all alone.
    """
    handles = []
    for name, layer in iter_hookable(module):
        if among(name, layer):
            if enter is not None:
                handles.append(layer.register_forward_pre_hook(partial(_enter, enter, name), with_kwargs=True))
            if leave is not None:
                handles.append(layer.register_forward_hook(partial(_leave, leave, name)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def watch_strangers(module: nn.Module, notice: Callable[[nn.Module], None]) -> Iterator[None]:
    """Inside the block, have each call of a layer that is none of the module's own noticed."""
    own = set(module.modules())
    handle = nn.modules.module.register_module_forward_pre_hook(lambda layer, args: None if layer in own else notice(layer))
    try:
        yield
    finally:
        handle.remove()


def _enter(notice: Callable[..., None], name: str, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    notice(name, layer, args, kwargs)


def _leave(notice: Callable[..., None], name: str, layer: nn.Module, args: object, output: Any) -> None:
    notice(name, layer, output)


def flatten_tensors(output: object) -> list[Tensor]:
    """The tensors in an output, however nested in tuples, lists and dicts."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [tensor for part in output for tensor in flatten_tensors(part)]
    return []
