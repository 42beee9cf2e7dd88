"""Puts modules in the place of the activations, poolings and additions of one block's graph."""

from __future__ import annotations

import operator
from collections.abc import Set

import torch
from torch import fx, nn

from harness.api.preparation.functional_equivalents import FUNCTION_EQUIVALENTS, METHOD_EQUIVALENTS
from harness.api.preparation.module_tree import free_name
from harness.api.preparation.modules import Add

_SIZE_ATTRIBUTES = {"shape", "ndim"}
_SIZE_METHODS = {"size", "dim", "numel", "ndimension"}


def substitute_modules(block: nn.Module, graph: fx.Graph) -> bool:
    """Let ``graph`` call modules, which ``block`` is given, where it called functions; whether there was anything to substitute.

    What does not depend on the block's inputs is left: adding a bias is no skip connection, and no hook wants a constant.
    """
    fixed = _constant_nodes(graph) | _size_nodes(graph)
    substituted = False
    for node in list(graph.nodes):
        if node in fixed:
            continue
        module = _as_addition(node, fixed) or _as_mean_pooling(graph, node) or _as_equivalent_module(node)
        if module is not None:
            _replace_by_module(block, graph, node, module)
            substituted = True
    return substituted


def _replace_by_module(block: nn.Module, graph: fx.Graph, node: fx.Node, module: nn.Module) -> None:
    inputs = node.args[:2] if isinstance(module, Add) else node.args[:1] or (node.kwargs["input"],)
    name = free_name(block, type(module).__name__.lower())
    block.add_module(name, module.train(block.training))
    with graph.inserting_before(node):
        call = graph.create_node("call_module", name, tuple(inputs))
    node.replace_all_uses_with(call)
    graph.erase_node(node)


def _as_addition(node: fx.Node, fixed: Set[fx.Node]) -> Add | None:
    """An `Add` if ``node`` adds two tensors that depend on the block's inputs."""
    adds = node.target in (operator.add, torch.add) if node.op == "call_function" else (node.op, node.target) == ("call_method", "add")
    terms = [term for term in node.args if isinstance(term, fx.Node) and term not in fixed]
    return Add() if adds and len(terms) == len(node.args) == 2 and not node.kwargs else None


def _as_mean_pooling(graph: fx.Graph, node: fx.Node) -> nn.Module | None:
    """The average pooling that a mean over height and width is; ``node``'s users are given what it keeps of the dimensions.

    Torch computes the two alike, and libraries have a rule for the pooling.
    """
    if (node.op, node.target) not in (("call_method", "mean"), ("call_function", torch.mean)) or not isinstance(node.args[0], fx.Node):
        return None
    given = dict(zip(("dim", "keepdim"), node.args[1:], strict=False)) | dict(node.kwargs)
    dims, keep = given.pop("dim", None), given.pop("keepdim", False)
    if given or not isinstance(dims, tuple | list) or sorted(map(str, dims)) not in (["-1", "-2"], ["2", "3"]):
        return None
    if not keep:
        with graph.inserting_after(node):
            once = graph.call_method("squeeze", (node, -1))
        with graph.inserting_after(once):
            twice = graph.call_method("squeeze", (once, -1))
        node.replace_all_uses_with(twice, delete_user_cb=lambda user: user is not once)
    return nn.AdaptiveAvgPool2d(1)


def _as_equivalent_module(node: fx.Node) -> nn.Module | None:
    """The module that does what the function or method of ``node`` does, if there is one."""
    table = {"call_function": FUNCTION_EQUIVALENTS, "call_method": METHOD_EQUIVALENTS}.get(node.op, {})
    equivalent = table.get(node.target)  # type: ignore[attr-defined]
    if equivalent is None or not (node.args or "input" in node.kwargs):
        return None
    named = {name: value for name, value in node.kwargs.items() if name != "input"}
    built: nn.Module | None = equivalent.build(node.args[1:], named)
    return built


def _constant_nodes(graph: fx.Graph) -> set[fx.Node]:
    """The nodes that depend on no input of the block."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op not in ("placeholder", "output") and found.issuperset(node.all_input_nodes):
            found.add(node)
    return found


def _size_nodes(graph: fx.Graph) -> set[fx.Node]:
    """The nodes that are numbers (or more of them) and come from a tensor's shape."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        asked = (node.op == "call_function" and node.target is getattr and node.args[1] in _SIZE_ATTRIBUTES) or (
            node.op == "call_method" and node.target in _SIZE_METHODS
        )
        arithmetic = node.op == "call_function" and getattr(node.target, "__module__", None) in ("_operator", "builtins", "math")
        if asked or (arithmetic and node.all_input_nodes and found.issuperset(node.all_input_nodes)):
            found.add(node)
    return found
