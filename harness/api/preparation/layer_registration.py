"""Layers that a module keeps in plain lists, tuples and dictionaries, where ``named_modules()``, ``to()`` and hooks miss them."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from harness.api.preparation.module_names import free_name

MAX_DEPTH = 3  # containers in containers that are looked into


def register_kept_layers(root: nn.Module) -> None:
    """Make every such layer a child of the module that keeps it, named after where it is: ``layers_0``; the containers stay as they are."""
    known = set(root.modules())
    waiting = list(known)
    while waiting:
        module = waiting.pop()
        for name, layer in list(_kept_layers(module)):
            if layer not in known:
                module.add_module(free_name(module, name), layer)
                found = [child for child in layer.modules() if child not in known]
                known.update(found)
                waiting += found


def _kept_layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Layers in plain containers of a module's attributes, with names for them."""
    for attribute, value in vars(module).items():
        if attribute not in ("_modules", "_parameters", "_buffers") and type(value) in (list, tuple, dict):
            yield from _iter_container_layers(attribute, value, MAX_DEPTH)


def _iter_container_layers(name: str, container: object, depth: int) -> Iterator[tuple[str, nn.Module]]:
    entries = container.items() if isinstance(container, dict) else enumerate(container) if isinstance(container, list | tuple) else ()
    for key, value in entries:
        called = f"{name}_{key}".replace(".", "_")
        if isinstance(value, nn.Module):
            yield called, value
        elif depth and type(value) in (list, tuple, dict):
            yield from _iter_container_layers(called, value, depth - 1)
