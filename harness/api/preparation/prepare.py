"""The one entry: `prepare`."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn

from harness.api.preparation.graph_tracing import ScalarArguments, TracedForward, Untraceable, trace
from harness.api.preparation.inplace import make_out_of_place
from harness.api.preparation.modules import copy_sharing_tensors, first_line, frozen_copy, is_custom, is_opaque, require_weights
from harness.api.preparation.substitution import substitute_modules
from harness.api.preparation.unsharing import unshare
from harness.api.preparation.verification import find_differing_module, reproduces_output, run_on_example, run_recording_scalars
from harness.api.preparation.weight_folding import fold_weights

_UNPREPARED_ATTRIBUTE = "_unprepared"
_GRADIENTS_ATTRIBUTE = "_gradients_switched_on"
_ADDED_ATTRIBUTE = "_added"


def prepare(module: nn.Module, example: Tensor | None = None) -> nn.Module:
    """A copy of ``module`` that libraries which explain by hooks can work on, with the same outputs to the last bit.

    It is in eval mode and frozen; in-place operations are out-of-place; each call of a module has a module of its own (`unshare`);
    functional activations and poolings are modules, and additions of two activations are `Add`. Weights that layers compute are plain
    ones (`fold_weights`). Each module with a forward of its own is traced by itself, with its children as calls, so that every name of
    ``module.named_modules()``, parametrisations aside, stays a hook point with the same output, and its class stays a subclass of the
    original's, or is torch's if its weights were folded. A module that needs no change keeps its own forward. One that cannot be
    traced does so too, and `unprepared_modules` says which and why.

    With an ``example`` (B, C, H, W) the copy is held to the original on its first image and then, if there are more, on all of it; a
    module whose preparation changed what it computes is left as it was. Without one that cannot be found out. Raises ``ValueError`` if
    ``module`` cannot take ``example``, or has no weights yet.
    """
    require_weights(module)
    return prepare_copy(frozen_copy(module), example)


def prepare_copy(original: nn.Module, example: Tensor | None = None) -> nn.Module:
    """As `prepare`, of a module that is the caller's own copy, frozen already, with which the result shares its tensors."""
    if example is None:
        return _build_prepared(fold_weights(original), _PreparationExceptions())
    try:
        first, arguments = run_recording_scalars(original, example[:1])
        expected = [(example[:1], first)]
        if len(example) > 1:
            expected.append((example, run_on_example(original, example)))
    except Exception as error:
        raise ValueError(f"the module cannot take an input of shape {tuple(example.shape)}: {first_line(error)}") from error
    original = fold_weights(original, example)
    exceptions = _PreparationExceptions(arguments)
    while True:
        prepared = _build_prepared(original, exceptions)
        if "" in exceptions.untouched_names:
            return prepared
        differing = next((inputs for inputs, outputs in expected if not reproduces_output(prepared, inputs, outputs)), None)
        if differing is None:
            return prepared
        exceptions.add(find_differing_module(original, prepared, differing))


def unprepared_modules(module: nn.Module) -> dict[str, str]:
    """Of a prepared module: what is left as it was, and why, by name (the root's is ``""``)."""
    reasons: dict[str, str] = dict(getattr(module, _UNPREPARED_ATTRIBUTE, {}))
    return reasons


def modules_with_gradients_enabled(module: nn.Module) -> list[str]:
    """Of a prepared module: the names of those whose forward switches gradients off somewhere, where the prepared one lets them through."""
    return list(getattr(module, _GRADIENTS_ATTRIBUTE, ()))


def added_modules(module: nn.Module) -> frozenset[str]:
    """Of a prepared module: the names of the modules that preparing gave it."""
    names: frozenset[str] = getattr(module, _ADDED_ATTRIBUTE, frozenset())
    return names


@dataclass
class _PreparationExceptions:
    """Modules that must not be prepared, by name: those of which the own forward stays, and modules of which everything stays."""

    arguments: Mapping[str, ScalarArguments] = field(default_factory=dict)
    untraced_names: set[str] = field(default_factory=set)
    untouched_names: set[str] = field(default_factory=set)

    def add(self, name: str) -> None:
        """Leave more of the module as it was than before; of the whole model if that is of no avail."""
        if name not in self.untraced_names:
            self.untraced_names.add(name)
        elif name not in self.untouched_names:
            self.untouched_names.add(name)
        else:
            self.untouched_names.add("")

    def may_change(self, name: str) -> bool:
        """Whether anything may be changed in the module of this name."""
        return not any(root in ("", name) or name.startswith(f"{root}.") for root in self.untouched_names)


def _build_prepared(original: nn.Module, exceptions: _PreparationExceptions) -> nn.Module:
    """A prepared copy that shares the parameters and buffers of ``original``, with these exceptions."""
    root = copy_sharing_tensors(original)
    names = {module: name for name, module in root.named_modules() if exceptions.may_change(name)}
    in_place = {module for module in names if _clear_in_place(module)}
    traced, reasons = _trace_all(names, exceptions)
    graphs = {block: each.graph for block, each in traced.items()}
    in_place |= {layer for each in traced.values() for layer in each.made if _clear_in_place(layer)}
    rewritten = {block for block, each in traced.items() if _rewrite(block, each.graph, in_place) or each.rewritten}
    unshare(root, graphs, rewritten)
    reasons |= dict.fromkeys(sorted(exceptions.untouched_names), "left wholly as it was: preparing it changed what it computes")
    setattr(root, _UNPREPARED_ATTRIBUTE, reasons)
    setattr(root, _GRADIENTS_ATTRIBUTE, [names[block] for block, each in traced.items() if each.without_gradients])
    setattr(root, _ADDED_ATTRIBUTE, frozenset(name for name, _ in root.named_modules()) - {name for name, _ in original.named_modules()})
    return root


def _trace_all(names: Mapping[nn.Module, str], exceptions: _PreparationExceptions) -> tuple[dict[nn.Module, TracedForward], dict[str, str]]:
    """The graphs of all custom modules that have one, and the reasons of those that have none."""
    graphs: dict[nn.Module, TracedForward] = {}
    reasons: dict[str, str] = {}
    for module, name in names.items():
        if is_opaque(module):
            reasons[name] = f"torch's own {type(module).__name__}, whose insides are one operation"
        elif name in exceptions.untraced_names:
            reasons[name] = "its graph computes something else than its forward"
        elif is_custom(module):
            try:
                graphs[module] = trace(module, exceptions.arguments.get(name))
            except Untraceable as reason:
                reasons[name] = str(reason)
    return graphs, reasons


def _rewrite(block: nn.Module, graph: fx.Graph, in_place: Set[nn.Module]) -> bool:
    out_of_place = make_out_of_place(block, graph, in_place)
    return substitute_modules(block, graph) or out_of_place


def _clear_in_place(module: nn.Module) -> bool:
    """Let a module that works in place return a new tensor; whether it did work in place."""
    if isinstance(module, torch.jit.ScriptModule) or getattr(module, "inplace", False) is not True:
        return False
    module.inplace = False  # type: ignore[assignment]
    return True
