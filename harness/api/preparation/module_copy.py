"""A deep copy of a module, with what ``deepcopy`` leaves pointing at the original: closures, bound methods in them, weak references."""

from __future__ import annotations

import copy
import dis
import weakref
from collections.abc import Iterator, Mapping
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from harness.api.preparation.hook_points import flatten_tensors

_CONTAINERS = (dict, list, tuple)
MAX_DEPTH = 4  # containers in containers that are looked into


def deep_copy(module: nn.Module, memo: Mapping[int, Tensor] | None = None) -> nn.Module:
    """A copy of ``module`` whose functions belong to it; tensors in ``memo``, by identity, it shares.

    Tensors that the module keeps with their graphs are cut off from these, which could not be copied; locks, open files and the like, which
    it keeps as attributes or in a list or dictionary, are shared.

    ``deepcopy`` keeps functions as they are, so that a hook ``lambda …: self.kept.append(…)`` of the copy writes to the original, and a
    layer called through a lambda is the original's. Here functions in hooks, attributes and plain containers of the copy close over what
    the copy has instead; what they close over besides (loggers, dictionaries of the caller's) stays what it is.
    """
    kept = [tensor for child in module.modules() for tensor in flatten_tensors(list(vars(child).values())) if tensor.grad_fn is not None]
    found: dict[int, Any] = {id(tensor): tensor.detach() for tensor in kept} | dict(memo or {})
    with torch.no_grad():
        found, copied = _copy_sharing_uncopyable(module, found)
    for layer in copied.modules():
        for name, value in list(vars(layer).items()):
            renewed = _rebind(value, found, MAX_DEPTH)
            if renewed is not value:
                vars(layer)[name] = renewed
    return copied


def _copy_sharing_uncopyable(module: nn.Module, shared: Mapping[int, Any]) -> tuple[dict[int, Any], nn.Module]:
    """What of the copy stands for what of the original, by identity, and the copy; what nobody can copy (locks, open files) it shares."""
    found = dict(shared)
    try:
        return found, copy.deepcopy(module, found)
    except TypeError:
        kept = [item for child in module.modules() for item in _leaf_items(vars(child), MAX_DEPTH)]
        found = dict(shared) | {id(item): item for item in kept if not _can_be_copied(item)}
        return found, copy.deepcopy(module, found)


def _leaf_items(value: Any, depth: int) -> Iterator[Any]:
    """What plain containers in containers hold that is none itself."""
    if type(value) not in _CONTAINERS:
        yield value
    elif depth:
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaf_items(part, depth - 1)


def _can_be_copied(value: object) -> bool:
    if value is None or isinstance(value, Tensor | nn.Module | FunctionType | MethodType):
        return True
    try:
        copy.deepcopy(value)
    except TypeError:
        return False
    return True


def _rebind(value: Any, memo: Mapping[int, Any], depth: int) -> Any:
    """``value`` with everything in it that belongs to the original exchanged for the copy's; containers are changed in place."""
    if isinstance(value, FunctionType):
        return _rebind_function(value, memo, depth)
    if isinstance(value, MethodType):
        owner = memo.get(id(value.__self__), value.__self__)
        return value if owner is value.__self__ else MethodType(value.__func__, owner)
    if isinstance(value, partial):
        parts = [_rebind(part, memo, depth) for part in (value.func, list(value.args), dict(value.keywords))]
        same = parts[0] is value.func and parts[1] == list(value.args) and parts[2] == value.keywords
        return value if same else partial(parts[0], *parts[1], **parts[2])
    if isinstance(value, weakref.ReferenceType):
        target = value()
        return weakref.ref(memo[id(target)]) if target is not None and id(target) in memo else value
    if type(value) in _CONTAINERS or isinstance(value, dict):
        return _rebind_container(value, memo, depth - 1) if depth else value
    return value


def _rebind_container(value: Any, memo: Mapping[int, Any], depth: int) -> Any:
    if isinstance(value, tuple):
        parts = tuple(_rebind(part, memo, depth) for part in value)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
        renewed = _rebind(part, memo, depth)
        if renewed is not part:
            value[key] = renewed
    return value


def _rebind_function(function: FunctionType, memo: Mapping[int, Any], depth: int) -> FunctionType:
    """The function with cells and defaults of the copy; itself if it has none of the original."""
    cells = function.__closure__ or ()
    contents = [_cell_content(cell) for cell in cells]
    renewed = [_counterpart_in_copy(content, memo, depth) for content in contents]
    defaults = tuple(_counterpart_in_copy(value, memo, depth) for value in function.__defaults__ or ())
    named = {name: _counterpart_in_copy(value, memo, depth) for name, value in (function.__kwdefaults__ or {}).items()}
    names = _rebind_globals(function, memo)
    before = [*contents, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    if not names and all(new is old for new, old in zip([*renewed, *defaults, *named.values()], before, strict=True)):
        return function
    closure = tuple(cell if new is old else CellType(new) for cell, new, old in zip(cells, renewed, contents, strict=True))
    around = {**function.__globals__, **names} if names else function.__globals__
    made = FunctionType(function.__code__, around, function.__name__, defaults or None, closure or None)
    made.__kwdefaults__ = named or None
    made.__dict__.update(vars(function))
    return made


def _rebind_globals(function: FunctionType, memo: Mapping[int, Any]) -> dict[str, Any]:
    """What the function finds under its global names that belongs to the original, as the copy has it.

    A function that assigns to globals keeps its own: what it assigns is read elsewhere.
    """
    if any(instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for instruction in dis.get_instructions(function.__code__)):
        return {}
    found = {name: function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__}
    renewed = {name: _counterpart_in_copy(value, memo, 0) for name, value in found.items()}
    bound = {name: _rebind(value, memo, 0) for name, value in renewed.items() if isinstance(value, MethodType)}
    return {name: value for name, value in {**renewed, **bound}.items() if value is not found[name]}


def _counterpart_in_copy(value: Any, memo: Mapping[int, Any], depth: int) -> Any:
    """What the copy has in the place of ``value``; functions that close over the original are made anew, containers are not looked into."""
    if id(value) in memo:
        return memo[id(value)]
    return _rebind(value, memo, depth - 1) if depth and isinstance(value, FunctionType | MethodType | partial) else value


def _cell_content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not bound yet
        return cell
