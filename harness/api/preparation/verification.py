"""Holds a prepared module to the original on one input, and finds the block whose preparation changed something."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.api.preparation.graph_tracing import scalar_arguments
from harness.api.preparation.hook_points import flatten_tensors, iter_hookable
from harness.api.preparation.modules import is_custom
from harness.api.randomness import seeded_generators


@dataclass
class CallRecord:
    """What one forward pass called, in the order in which the calls were completed.

    Attributes:
        inputs: by name of the module, clones of the tensors it was given in its last call.
        outputs: by name, clones of the tensors it returned.
        callers: by name, the module in whose forward it was called; None for the root.
        pending: the calls that an error left open, outermost first.
    """

    inputs: dict[str, list[Tensor]] = field(default_factory=dict)
    outputs: dict[str, list[Tensor]] = field(default_factory=dict)
    callers: dict[str, str | None] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)


def run_on_example(module: nn.Module, example: Tensor) -> object:
    """The output for a copy of ``example``, without gradients, with the global generators at a fixed state that is restored after."""
    with torch.no_grad(), seeded_generators(0):
        return module(example.clone())


def run_recording_scalars(module: nn.Module, example: Tensor) -> tuple[object, dict[str, dict[str, object]]]:
    """The output, and for each custom module by name the scalar arguments of its last call."""
    arguments: dict[str, dict[str, object]] = {}
    handles = []
    for name, block in iter_hookable(module):
        if is_custom(block):

            def note(block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], name: str = name) -> None:
                arguments[name] = scalar_arguments(block, args, kwargs)

            handles.append(block.register_forward_pre_hook(note, with_kwargs=True))
    try:
        return run_on_example(module, example), arguments
    finally:
        for handle in handles:
            handle.remove()


def outputs_equal(a: object, b: object) -> bool:
    """Whether two outputs are of one structure with tensors equal to the last bit, NaN to NaN (to rounding off the CPU)."""
    ours, theirs = flatten_tensors(a), flatten_tensors(b)
    return len(ours) == len(theirs) and all(_tensors_equal(x, y) for x, y in zip(ours, theirs, strict=True))


def find_differing_module(original: nn.Module, prepared: nn.Module, example: Tensor) -> str:
    """The name of the custom module that makes of the same inputs something else, first of all to do so (the root's is ``""``)."""
    reference, ours = _record_calls(original, example), _record_calls(prepared, example)
    custom = {name for name, module in original.named_modules() if is_custom(module)}
    differing = [
        name for name, outputs in reference.outputs.items() if name in ours.outputs and not outputs_equal(outputs, ours.outputs[name])
    ]
    raised = [name for name in reversed(ours.pending) if name in reference.callers]
    to_blame = next(iter(differing or raised), None)
    while to_blame and (to_blame not in custom or not outputs_equal(reference.inputs[to_blame], ours.inputs[to_blame])):
        to_blame = reference.callers[to_blame]
    return to_blame or ""


def _record_calls(module: nn.Module, example: Tensor) -> CallRecord:
    """The calls of one forward pass, up to the error that ended it if one did."""
    calls = CallRecord()
    handles = []
    for name, child in iter_hookable(module):

        def enter(child: nn.Module, args: object, kwargs: object, name: str = name) -> None:
            calls.inputs[name] = [tensor.clone() for tensor in flatten_tensors((args, kwargs))]
            calls.callers[name] = calls.pending[-1] if calls.pending else None
            calls.pending.append(name)

        def leave(child: nn.Module, args: object, output: object, name: str = name) -> None:
            calls.pending.pop()
            calls.outputs.pop(name, None)
            calls.outputs[name] = [tensor.clone() for tensor in flatten_tensors(output)]

        handles += [child.register_forward_pre_hook(enter, with_kwargs=True), child.register_forward_hook(leave)]
    try:
        run_on_example(module, example)
    except Exception:  # the calls left open say where it was raised, which is what is asked for
        return calls
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _tensors_equal(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.device.type == "cpu":
        return bool(((a == b) | ((a != a) & (b != b))).all())
    return torch.allclose(a, b, rtol=1e-4, atol=1e-4 * float(a.abs().max()), equal_nan=True)
