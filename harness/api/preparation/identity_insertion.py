"""Gives a tensor that a forward makes by a function a module that returns it, so that it has a name and takes hooks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from torch import Tensor, fx, nn

from harness.api.autograd_graph import AutogradGraph, GraphTensor, trace_autograd
from harness.api.preparation.graph_tracing import Untraceable, install_graph, trace
from harness.api.preparation.module_tree import free_name
from harness.api.preparation.modules import is_custom
from harness.api.preparation.prepare import unprepared_modules


def insert_identity(
    module: nn.Module, forward: Callable[[Tensor], object], image: Tensor, wanted: Callable[[AutogradGraph], GraphTensor | None], name: str
) -> bool:
    """Let an identity called ``name`` return the tensor that is ``wanted`` of a pass of ``image``; whether there was one to be found.

    ``module`` is a prepared one, which ``forward`` calls; it is changed in place, and computes what it did.
    """
    left = unprepared_modules(module)
    graphs = {block: graph for name, block in module.named_modules() if name not in left and (graph := _trace_or_none(block)) is not None}
    made: dict[GraphTensor, tuple[nn.Module, fx.Node]] = {}
    with ExitStack() as stack:
        for block, graph in graphs.items():
            vars(block)["forward"] = _NodeRecorder(block, graph, made).run
            stack.callback(vars(block).pop, "forward")
        try:
            found = wanted(trace_autograd(forward, module, image))
        except Exception:  # a graph made for other arguments than the forward is called with
            return False
    if found is None or found not in made:
        return False
    block, node = made[found]
    called = free_name(block, name)
    block.add_module(called, nn.Identity().eval())
    with graphs[block].inserting_after(node):
        call = graphs[block].create_node("call_module", called, (node,))
    node.replace_all_uses_with(call, delete_user_cb=lambda user: user is not call)
    install_graph(block, graphs[block])
    return True


def _trace_or_none(block: nn.Module) -> fx.Graph | None:
    if not is_custom(block):
        return None
    try:
        return trace(block).graph
    except Untraceable:
        return None


class _NodeRecorder(fx.Interpreter):
    """Runs a block's graph, and notes which of its nodes makes which tensor."""

    def __init__(self, block: nn.Module, graph: fx.Graph, made: dict[GraphTensor, tuple[nn.Module, fx.Node]]) -> None:
        super().__init__(block, graph=graph)
        self.block, self.made = block, made
        self.names = [str(node.target) for node in graph.nodes if node.op == "placeholder"]

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the block for its own arguments."""
        given = dict(zip(self.names, args, strict=False)) | kwargs
        values = [given[name] for name in self.names if name in given]
        return super().run(*values)

    def run_node(self, n: fx.Node) -> Any:
        """The value of one node."""
        value = super().run_node(n)
        if n.op in ("call_function", "call_method") and isinstance(value, Tensor) and value.grad_fn is not None:
            self.made[GraphTensor(value.grad_fn, value.output_nr)] = self.block, n
        return value
