"""The tree of a network's modules: free names in it, what wraps parts of it, and layers that are kept beside it.

Training loops wrap networks (``torch.compile``, ``DataParallel``, ``DistributedDataParallel``); layers in plain lists, tuples and
dictionaries are missed by ``named_modules()``, ``to()`` and hooks.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

MAX_DEPTH = 3  # containers in containers that are looked into
_WRAPPERS = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}


def free_name(block: nn.Module, wanted: str) -> str:
    """``wanted``, or with the first number that makes it a name that ``block`` does not use."""
    name, number = wanted, 1
    while hasattr(block, name):
        number += 1
        name = f"{wanted}_{number}"
    return name


def unwrap(module: nn.Module) -> nn.Module:
    """Module that ``module`` wraps, however often; itself if it is no wrapper."""
    inner = _wrapped_module(module)
    while inner is not None:
        module, inner = inner, _wrapped_module(inner)
    return module


def without_compiled_parts(module: nn.Module) -> nn.Module:
    """``module`` in which wrapped children stand without their wrapper, in place: hooks do not see into what is compiled."""
    module = unwrap(module)
    for layer in list(module.modules()):
        for name, child in layer._modules.items():
            if child is not None and _wrapped_module(child) is not None:
                layer._modules[name] = unwrap(child)
    return module


def _wrapped_module(module: nn.Module) -> nn.Module | None:
    home = type(module).__module__.partition(".")[0]
    attribute = _WRAPPERS.get(type(module).__name__) if home == "torch" else None
    return None if attribute is None else module._modules.get(attribute)


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
