"""Makes the in-place operations of one block's graph out-of-place."""

from __future__ import annotations

import operator
from collections.abc import Callable, Set
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

_OPERATORS: dict[object, Callable[..., Any]] = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
}


def make_out_of_place(block: nn.Module, graph: fx.Graph, in_place: Set[nn.Module]) -> bool:
    """Let whoever read what an in-place operation wrote into read its result instead; whether the graph has changed.

    ``in_place`` are the modules that worked in place before their flags were cleared.
    """
    seen: set[fx.Node] = set()
    changed = False
    for node in list(graph.nodes):
        seen.add(node)
        target = node.args[0] if node.args else None
        if isinstance(target, fx.Node) and _works_in_place(block, node, in_place):
            rewired = target.replace_all_uses_with(node, delete_user_cb=lambda user: user not in seen)
            changed = _return_the_result(node) or bool(rewired) or changed
    return changed


def _works_in_place(block: nn.Module, node: fx.Node, in_place: Set[nn.Module]) -> bool:
    if node.op == "call_module":
        return block.get_submodule(str(node.target)) in in_place
    if node.op == "call_method":
        return _out_of_place_name(Tensor, str(node.target)) is not None
    return node.op == "call_function" and (
        node.target in _OPERATORS or bool(node.kwargs.get("inplace")) or _out_of_place_function(node.target) is not None
    )


def _return_the_result(node: fx.Node) -> bool:
    """Let one in-place operation return its result and leave its argument; false if it is a module, which does so already."""
    if node.op == "call_module":
        return False
    if node.op == "call_method":
        node.target = _out_of_place_name(Tensor, str(node.target)) or node.target
    elif "inplace" in node.kwargs:
        node.update_kwarg("inplace", False)
    else:
        node.target = _OPERATORS.get(node.target) or _out_of_place_function(node.target) or node.target
    return True


def _out_of_place_function(function: object) -> Callable[..., Any] | None:
    """``torch.relu`` for ``torch.relu_``, and so on; None for a function that does not work in place."""
    name = getattr(function, "__name__", "")
    for home in (torch, F):
        if getattr(home, name, None) is function and (twin := _out_of_place_name(home, name)) is not None:
            found: Callable[..., Any] = getattr(home, twin)
            return found
    return None


def _out_of_place_name(home: object, name: str) -> str | None:
    """The name in ``home`` of what ``name`` does in place; None if ``name`` does not end as in-place operations do."""
    in_place = name.endswith("_") and not name.endswith("__")
    return name[:-1] if in_place and hasattr(home, name[:-1]) else None
