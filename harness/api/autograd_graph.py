"""The autograd graph of one forward pass, from the logits to the image, and which module returned which of its tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from harness.api.preparation.hook_points import flatten_tensors, watch_calls

PRODUCTS = ("AddmmBackward0", "BaddbmmBackward0", "BmmBackward0", "MmBackward0", "MvBackward0")
"""What autograd calls matrix products; a convolution is a `CONVOLUTION`."""
CONVOLUTION = "Convolution"


class GraphTensor(NamedTuple):
    """One tensor of the graph: the operation that made it, and which of its results it is."""

    node: Node
    result: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return tuple(self.node._input_metadata[self.result].shape)


@dataclass(frozen=True)
class ModuleCall:
    """A module's call that returned something which depends on the image.

    Attributes:
        name: as in ``named_modules()``.
        module: what was called.
        output: the tensor it returned; None if it returned several, or none that a gradient can reach.
    """

    name: str
    module: nn.Module
    output: GraphTensor | None


@dataclass(frozen=True)
class AutogradGraph:
    """One forward pass of one image whose gradient is asked for; the network's parameters are constants.

    Attributes:
        calls: in the order in which they were completed.
        nodes: the operations on paths from the image to the logits, from the logits on: each stands before all that it takes.
        logits: the tensor that all of them lead to; None if no gradient connects it to the image.
    """

    calls: list[ModuleCall]
    nodes: list[Node]
    logits: GraphTensor | None

    @cached_property
    def order(self) -> dict[Node, int]:
        """The place of each operation in `nodes`: smaller is nearer to the logits."""
        return {node: i for i, node in enumerate(self.nodes)}

    @cached_property
    def bottlenecks(self) -> set[GraphTensor]:
        """The tensors through which all of the logits' dependence on the image goes: cut one, and the gradient is zero.

        In the order of `nodes` an operation is one exactly if no step from before it leads past it.
        """
        found, reach = set(), 0
        taken: dict[Node, set[int]] = {} if self.logits is None else {self.logits.node: {self.logits.result}}
        for i, node in enumerate(self.nodes):
            if reach == i and len(taken[node]) == 1:
                found.add(GraphTensor(node, *taken[node]))
            for source in self.sources(node):
                reach = max(reach, self.order[source.node])
                taken.setdefault(source.node, set()).add(source.result)
        return found

    def sources(self, node: Node) -> Iterator[GraphTensor]:
        """The tensors that depend on the image and that ``node`` takes."""
        return (GraphTensor(source, result) for source, result in node.next_functions if source is not None and source in self.order)


def trace_autograd(forward: Callable[[Tensor], object], module: nn.Module, image: Tensor) -> AutogradGraph:
    """Run ``forward``, which calls ``module``, on ``image`` (1, C, H, W); hooks are removed whatever happens."""
    calls: list[ModuleCall] = []

    def note(name: str, child: nn.Module, output: object) -> None:
        if any(tensor.requires_grad for tensor in flatten_tensors(output)):
            calls.append(ModuleCall(name, child, _graph_tensor(output)))

    with watch_calls(module, leave=note), torch.enable_grad():
        logits = next(iter(flatten_tensors(forward(image.detach().requires_grad_().clone()))), None)
    end = _graph_tensor(logits)
    return AutogradGraph(calls, [] if end is None else _sort_topologically(end.node), end)


def _graph_tensor(output: object) -> GraphTensor | None:
    return GraphTensor(output.grad_fn, output.output_nr) if isinstance(output, Tensor) and output.grad_fn is not None else None


def _sort_topologically(root: Node) -> list[Node]:
    """All operations that lead to ``root``, itself first, each before those whose results it takes."""
    finished: list[Node] = []
    seen, waiting = {root}, [(root, iter(root.next_functions))]
    while waiting:
        node, sources = waiting[-1]
        for source, _ in sources:
            if source is not None and source not in seen:
                seen.add(source)
                waiting.append((source, iter(source.next_functions)))
                break
        else:
            finished.append(node)
            waiting.pop()
    return finished[::-1]
