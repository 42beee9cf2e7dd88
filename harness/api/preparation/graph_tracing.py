"""The graph of one module's own forward, with its children as calls."""

from __future__ import annotations

import copy
import inspect
import operator
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.utils.checkpoint
from torch import fx, nn

from harness.api.preparation.module_tree import free_name
from harness.api.preparation.modules import first_line, is_sequence


@dataclass(frozen=True)
class SequenceLength:
    """Stands for an argument that is a list or tuple of so many."""

    value: int


ScalarArguments = Mapping[str, object]
SWITCHES_AUTOCAST = "its forward switches autocast"
IS_EXPORTED_PROGRAM = "it is an exported program, whose operations are no modules"
_CONTAINERS = (list, dict, set)


class Untraceable(Exception):
    """A forward that no graph can stand for; the message says why."""


class _InPlaceAwareProxy(fx.Proxy):
    """Keeps ``x += y`` apart from ``x = x + y``, which are the same to a plain proxy."""

    def _in_place(self, function: Callable[..., Any], other: object) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    def __iadd__(self, other: object) -> fx.Proxy:
        return self._in_place(operator.iadd, other)

    def __isub__(self, other: object) -> fx.Proxy:
        return self._in_place(operator.isub, other)

    def __imul__(self, other: object) -> fx.Proxy:
        return self._in_place(operator.imul, other)

    def __itruediv__(self, other: object) -> fx.Proxy:
        return self._in_place(operator.itruediv, other)

    @property
    def requires_grad(self) -> bool:
        """False, as in a pass without gradients: what forwards ask it for is whether to keep things for a backward pass."""
        return False


@dataclass(frozen=True)
class TracedForward:
    """A forward as a graph.

    Attributes:
        graph: what the forward does.
        made: layers that the forward makes itself, which are children of the module now.
        without_gradients: whether the forward switches gradients off somewhere, where the graph lets them through.
    """

    graph: fx.Graph
    made: tuple[nn.Module, ...] = ()
    without_gradients: bool = False

    @property
    def rewritten(self) -> bool:
        """Whether the graph must stand in for the forward."""
        return bool(self.made) or self.without_gradients


class _BlockTracer(fx.Tracer):
    """Takes every child as a leaf, and layers that the forward makes as children that are to be.

    Attributes:
        made: by the name they are to have, layers without weights that the forward made.
        without_gradients: whether some operation was called where gradients were switched off.
    """

    def __init__(self, lengths: Mapping[str, int]) -> None:
        super().__init__()
        self._lengths = lengths
        self.made: dict[str, nn.Module] = {}
        self.without_gradients = False
        self._autocast = {device: torch.is_autocast_enabled(device) for device in ("cpu", "cuda")}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _InPlaceAwareProxy(node, self)

    def iter(self, obj: fx.Proxy) -> Iterator[fx.Proxy]:
        length = self._lengths.get(str(obj.node.target)) if obj.node.op == "placeholder" else None
        return super().iter(obj) if length is None else iter([cast(Any, obj)[place] for place in range(length)])

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if m in (self.submodule_paths or {}):
            return super().call_module(m, forward, args, kwargs)
        if is_sequence(m):  # made in the forward, of layers that are children or are made too
            return forward(*args, **kwargs)
        if not _is_stateless_torch_layer(m):
            raise Untraceable(f"its forward calls a {type(m).__name__} that is no child of it")
        name = self._name_for(type(m).__name__.lower())
        self.made[name] = m.train(self.root.training)
        return self.create_proxy("call_module", name, args, kwargs)

    def create_node(self, kind: str, *args: Any, **kwargs: Any) -> fx.Node:
        if kind.startswith("call"):
            if torch.is_autocast_enabled("cpu") != self._autocast["cpu"] or torch.is_autocast_enabled("cuda") != self._autocast["cuda"]:
                raise Untraceable(SWITCHES_AUTOCAST)
            self.without_gradients = self.without_gradients or not torch.is_grad_enabled()
        return super().create_node(kind, *args, **kwargs)

    def _name_for(self, wanted: str) -> str:
        name, number = free_name(self.root, wanted), 1
        while name in self.made:
            number += 1
            name = free_name(self.root, f"{wanted}_{number}")
        return name


def scalar_arguments(module: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
    """The arguments of one call that are None, numbers or strings, and how long its lists are: what control flow may depend on."""
    bound = inspect.signature(module.forward).bind(*args, **kwargs)
    bound.apply_defaults()
    kinds = {parameter.name: parameter.kind for parameter in bound.signature.parameters.values()}
    found: dict[str, object] = {}
    for name, value in bound.arguments.items():
        if value is None or isinstance(value, bool | int | float | str):
            found[name] = value
        elif type(value) in (list, tuple) and kinds[name] is not inspect.Parameter.VAR_POSITIONAL:
            found[name] = SequenceLength(len(value))
    return found


def trace(block: nn.Module, fixed: ScalarArguments | None = None) -> TracedForward:
    """``block.forward`` as a graph in which the arguments ``fixed`` have the values given (default: None of them has).

    Tensors that the forward makes become buffers of the block, so that they move with it, and activations that it makes
    (``nn.ReLU()(x)``) children. Parts under ``torch.no_grad()`` let gradients through, and checkpointed ones are called as what they are.
    Raises `Untraceable`.
    """
    if isinstance(block, torch.jit.ScriptModule):
        raise Untraceable("it is compiled by TorchScript")
    if "forward" in vars(block):
        raise Untraceable("its forward was replaced on the instance")
    before = {name: copy.copy(value) if isinstance(value, _CONTAINERS) else value for name, value in vars(block).items()}
    live = dict(vars(block))
    lengths = {name: value.value for name, value in (fixed or {}).items() if isinstance(value, SequenceLength)}
    tracer = _BlockTracer(lengths)
    try:
        with torch.enable_grad(), _bypass_checkpoints():
            graph = tracer.trace(block, {name: value for name, value in (fixed or {}).items() if name not in lengths})
        after = dict(vars(block))
        changed = {name for name, value in after.items() if not _unchanged(value, live.get(name, block), before.get(name))}
    except Untraceable:
        raise
    except Exception as error:  # whatever the user's forward raises under proxies means the same: no graph
        raise Untraceable(f"its forward cannot be traced: {first_line(error).partition('. ')[0]}") from error
    finally:
        vars(block).clear()
        vars(block).update({name: value if _unchanged(value, value, before[name]) else before[name] for name, value in live.items()})
    if any(isinstance(node.target, torch._ops.OpOverload) for node in graph.nodes):
        raise Untraceable(IS_EXPORTED_PROGRAM)
    constants = {name: after[name] for name in changed if name.startswith("_tensor_constant")}
    if len(constants) < len(changed):
        raise Untraceable(f"its forward stores attributes: {', '.join(sorted(changed - set(constants)))}")
    _copy_argument_names(type(block).forward, graph)
    for name, value in constants.items():
        block.register_buffer(name, value, persistent=False)
    for name, made in tracer.made.items():
        block.add_module(name, made)
    return TracedForward(graph, tuple(tracer.made.values()), tracer.without_gradients)


@contextmanager
def _bypass_checkpoints() -> Iterator[None]:
    """Let checkpointed functions be called as they are: what is kept and what is computed again changes no value."""
    home = torch.utils.checkpoint
    before = home.CheckpointFunction
    home.CheckpointFunction = _PassThroughCheckpoint  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        home.CheckpointFunction = before  # type: ignore[misc]


class _PassThroughCheckpoint:
    """Stands in for ``torch.utils.checkpoint.CheckpointFunction``, which takes no proxies."""

    @staticmethod
    def apply(function: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        """The function's value."""
        return function(*args)


def install_graph(block: nn.Module, graph: fx.Graph) -> None:
    """Let ``graph`` be the forward of ``block``, whose class stays a class of the same name that derives from the one it was."""
    graph.lint()
    if isinstance(block, fx.GraphModule):
        block.graph = graph
        return
    forward = type(fx.GraphModule(block, graph)).forward
    give_forward(block, forward)


def give_forward(block: nn.Module, forward: Callable[..., Any]) -> None:
    """Let a block have another forward, as one of a class that derives from its own and is called as that is."""
    cls = type(block)
    body = {"forward": forward, "__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    block.__class__ = type(cls.__name__, (cls,), body)


def _copy_argument_names(forward: Callable[..., object], graph: fx.Graph) -> None:
    """Give the graph's arguments the names and defaults that ``forward`` has, which a fixed argument has lost."""
    parameters = list(inspect.signature(forward).parameters.values())[1:]
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    for parameter, node in zip(parameters, placeholders, strict=True):
        if not str(node.target).startswith("*"):
            node.target = parameter.name
            node.args = () if parameter.default is inspect.Parameter.empty else (parameter.default,)


def _unchanged(value: object, live: object, before: object) -> bool:
    """Whether an attribute is the object it was and, if it is a container, as long."""
    return value is live and (not isinstance(value, _CONTAINERS) or len(value) == len(cast(Sized, before)))


def _is_stateless_torch_layer(module: nn.Module) -> bool:
    """Whether it is one of torch's own layers without weights, buffers or children: an activation, a pooling, a flattening."""
    bare = next(module.children(), None) is None and not module.state_dict() and next(module.buffers(), None) is None
    return bare and type(module).__module__.startswith("torch.nn.modules")
