"""Counts every forward and backward pass through a classifier, and the time spent in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from harness.worker.accelerators import synchronize


@dataclass
class PassCount:
    """Counts of what went through the models.

    Attributes:
        forward: images that went forward.
        backward: images whose logits were differentiated.
        seconds: wall time inside these passes.
    """

    forward: int = 0
    backward: int = 0
    seconds: float = 0.0

    def __sub__(self, other: PassCount) -> PassCount:
        return PassCount(self.forward - other.forward, self.backward - other.backward, self.seconds - other.seconds)

    @property
    def total(self) -> int:
        """Forward and backward passes together, each counted as one."""
        return self.forward + self.backward


PROCESS_COUNT = PassCount()  # of this process: a copy of a model made by a component counts here too
WATCHERS: list[Callable[[str, float, float], None]] = []  # are told of every pass: its name, and when it began and ended (perf_counter)
MAX_UNTIMED_PASSES = 1000
_STARTED_ATTRIBUTE = "_harness_started"
_Timestamp = float | torch.cuda.Event
_UNTIMED_PASSES: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []  # passes on a GPU whose time nobody has asked for yet


def settle_pending_times() -> PassCount:
    """`PROCESS_COUNT` with the time of every pass so far: waits for those that a GPU is still at."""
    while _UNTIMED_PASSES:
        started, ended = _UNTIMED_PASSES.pop()
        ended.synchronize()
        PROCESS_COUNT.seconds += started.elapsed_time(ended) / 1000
    return PROCESS_COUNT


@contextmanager
def count_passes_within() -> Iterator[PassCount]:
    """A count that holds, on leaving the block, what went through the models inside it."""
    before = replace(settle_pending_times())
    spent = PassCount()
    try:
        yield spent
    finally:
        difference = settle_pending_times() - before
        spent.forward, spent.backward, spent.seconds = difference.forward, difference.backward, difference.seconds


def count_passes(module: nn.Module) -> None:
    """Have every pass through ``module`` counted in `PROCESS_COUNT` from now on, once however often this is asked for."""
    if _start_forward in module._forward_pre_hooks.values():
        return
    module.register_forward_pre_hook(_start_forward)
    module.register_forward_hook(_end_forward)


def _timestamp(tensor: object) -> _Timestamp:
    """Now; on a CUDA device when it gets there, which no one waits for, unless every pass is watched. Other devices are waited for."""
    if isinstance(tensor, Tensor):
        if tensor.is_cuda and not WATCHERS:
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            return event
        synchronize(tensor.device)
    return time.perf_counter()


def _record_time(name: str, started: _Timestamp, ended: _Timestamp) -> None:
    if isinstance(started, torch.cuda.Event) and isinstance(ended, torch.cuda.Event):
        _UNTIMED_PASSES.append((started, ended))
        if len(_UNTIMED_PASSES) > MAX_UNTIMED_PASSES:
            settle_pending_times()
    elif isinstance(started, float) and isinstance(ended, float):
        PROCESS_COUNT.seconds += ended - started
        for watcher in WATCHERS:
            watcher(name, started, ended)


def _start_forward(module: nn.Module, args: tuple[Any, ...]) -> None:
    setattr(module, _STARTED_ATTRIBUTE, _timestamp(args[0] if args else None))


def _end_forward(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
    started = module.__dict__.pop(_STARTED_ATTRIBUTE, None)
    if not isinstance(output, Tensor):
        return
    PROCESS_COUNT.forward += len(output)
    if started is not None:
        _record_time(f"forward × {len(output)}", started, _timestamp(output))
    if output.requires_grad:
        output.register_hook(_start_backward)  # type: ignore[no-untyped-call]


def _start_backward(gradient: Tensor) -> None:
    """Count a backward pass, and add its time when the autograd engine has finished it."""
    PROCESS_COUNT.backward += len(gradient)
    started = _timestamp(gradient)

    def finished() -> None:
        _record_time(f"backward × {len(gradient)}", started, _timestamp(gradient))

    torch.autograd.Variable._execution_engine.queue_callback(finished)
