"""Holds a prepared module to the original on one input, and finds the block whose preparation changed something."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.api.preparation.graph_tracing import scalar_arguments
from harness.api.preparation.hook_points import flatten_tensors, watch_calls
from harness.api.preparation.modules import is_custom
from harness.api.randomness import seeded_generators


@dataclass
class CallRecord:
    """The calls of one forward pass, in the order in which the calls were completed.

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


def run_on_example(module: nn.Module, example: Tensor, seed: int = 0) -> Any:
    """The output for a copy of ``example``, without gradients, with the global generators at ``seed``, restored after."""
    with torch.no_grad(), seeded_generators(seed):
        return module(example.clone())


def run_recording_scalars(module: nn.Module, example: Tensor) -> tuple[object, dict[str, dict[str, object]]]:
    """The output, and for each custom module by name the scalar arguments of its last call."""
    arguments: dict[str, dict[str, object]] = {}

    def note(name: str, block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        arguments[name] = scalar_arguments(block, args, kwargs)

    with watch_calls(module, enter=note, among=lambda name, block: is_custom(block)):
        return run_on_example(module, example), arguments


def reproduces_output(module: nn.Module, example: Tensor, expected: object) -> bool:
    """Whether a rewritten module returns what is ``expected`` of it."""
    try:
        return outputs_equal(run_on_example(module, example), expected)
    except Exception:  # whatever a wrong graph, or one that misses what was taken away, raises: the original did not
        return False


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

    def enter(name: str, child: nn.Module, args: object, kwargs: object) -> None:
        calls.inputs[name] = [tensor.clone() for tensor in flatten_tensors((args, kwargs))]
        calls.callers[name] = calls.pending[-1] if calls.pending else None
        calls.pending.append(name)

    def leave(name: str, child: nn.Module, output: object) -> None:
        calls.pending.pop()
        calls.outputs.pop(name, None)
        calls.outputs[name] = [tensor.clone() for tensor in flatten_tensors(output)]

    # an error is no matter: the calls that it left open say where it was raised, which is what is asked for
    with watch_calls(module, enter, leave), suppress(Exception):
        run_on_example(module, example)
    return calls


def _tensors_equal(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.device.type == "cpu":
        return bool(((a == b) | ((a != a) & (b != b))).all())
    return torch.allclose(a, b, rtol=1e-4, atol=1e-4 * float(a.abs().max()), equal_nan=True)
