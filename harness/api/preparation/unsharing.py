"""Gives every call of a module a module of its own, so that a hook is called once in a pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from torch import Tensor, fx, nn

from harness.api.preparation.graph_tracing import install_graph
from harness.api.preparation.module_tree import free_name
from harness.api.preparation.modules import copy_sharing_tensors, is_sequence


def unshare(root: nn.Module, graphs: Mapping[nn.Module, fx.Graph], rewritten: set[nn.Module]) -> None:
    """Un-share the modules below ``root`` that are called more than once, and install the graphs that have changed.

    A module stays with its last call, since that is whose output a hook on its name ends with; earlier calls get copies that share its
    parameters and buffers, named ``relu__1``, ``relu__2`` and so on in the block that calls them. In a sequence every position is its
    own module. ``rewritten`` are the blocks whose graphs have changed already.
    """
    visitor = _UnsharingVisitor(graphs, set(rewritten))
    visitor.visit(root)
    for block, graph in graphs.items():
        if block in visitor.changed and block not in visitor.visited:
            install_graph(block, graph)


class _UnsharingVisitor:
    """Walks calls from the last to the first."""

    def __init__(self, graphs: Mapping[nn.Module, fx.Graph], changed: set[nn.Module]) -> None:
        self.graphs = graphs
        self.changed = changed
        self.visited: set[nn.Module] = set()

    def visit(self, module: nn.Module) -> None:
        """Un-share what ``module`` calls, then let it be called as its graph says."""
        self.visited.add(module)
        if module in self.graphs:
            self._visit_calls(module, self.graphs[module])
        elif is_sequence(module):
            self._visit_positions(module)
        else:
            for child in module.children():
                if child not in self.visited:
                    self.visit(child)
        if module in self.changed:
            install_graph(module, self.graphs[module])

    def _visit_calls(self, block: nn.Module, graph: fx.Graph) -> None:
        calls = [node for node in graph.nodes if node.op == "call_module"]
        numbers = Counter(str(node.target) for node in calls)
        for node in reversed(calls):
            name = str(node.target)
            child = block.get_submodule(name)
            if child not in self.visited:
                self.visit(child)
            else:
                copy_name = free_name(block, f"{name.replace('.', '_')}__{numbers[name]}")
                block.add_module(copy_name, copy_sharing_tensors(child))
                _load_copy_from_original(block, copy_name, name)
                node.target = copy_name
                self.changed.add(block)
            numbers[name] -= 1

    def _visit_positions(self, sequence: nn.Module) -> None:
        for name in reversed(list(sequence._modules)):
            child = sequence.get_submodule(name)
            if child in self.visited:
                sequence.add_module(name, copy_sharing_tensors(child))
            else:
                self.visit(child)


def _load_copy_from_original(block: nn.Module, copy_name: str, name: str) -> None:
    """Let the copy be loaded from what a state dict holds for the module it is a copy of."""

    def fill(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
        own = {key: value for key, value in state.items() if key.startswith(f"{prefix}{name}.")}
        for key, value in own.items():
            state.setdefault(f"{prefix}{copy_name}.{key.removeprefix(f'{prefix}{name}.')}", value)

    if block.get_submodule(copy_name).state_dict():
        block.register_load_state_dict_pre_hook(fill)  # type: ignore[no-untyped-call]
