"""Counts every forward and backward pass through a classifier, and the time spent in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.execution.accelerators import finish


@dataclass
class Passes:
    """What went through the models.

    Attributes:
        forward: images that went forward.
        backward: images whose logits were differentiated.
        seconds: wall time inside these passes.
    """

    forward: int = 0
    backward: int = 0
    seconds: float = 0.0

    def __sub__(self, other: Passes) -> Passes:
        return Passes(self.forward - other.forward, self.backward - other.backward, self.seconds - other.seconds)

    def copy(self) -> Passes:
        """The count as it stands."""
        return Passes(self.forward, self.backward, self.seconds)

    @property
    def total(self) -> int:
        """Forward and backward passes together, each counted as one."""
        return self.forward + self.backward


COUNT = Passes()  # of this process: a copy of a model made by a component counts here too
WATCHER: Callable[[str, float, float], None] | None = None  # is told of every pass: its name, and when it began and ended (perf_counter)
MOST_PENDING = 1000
_MARK = "_harness_started"
_Moment = float | torch.cuda.Event
_PENDING: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []  # passes on a GPU whose time nobody has asked for yet


def settled() -> Passes:
    """`COUNT` with the time of every pass so far: waits for those that a GPU is still at."""
    while _PENDING:
        started, ended = _PENDING.pop()
        ended.synchronize()
        COUNT.seconds += started.elapsed_time(ended) / 1000
    return COUNT


@contextmanager
def since(start: Passes | None = None) -> Iterator[Passes]:
    """A count that holds, on leaving the block, what went through the models inside it."""
    before = (start or settled()).copy()
    spent = Passes()
    try:
        yield spent
    finally:
        difference = settled() - before
        spent.forward, spent.backward, spent.seconds = difference.forward, difference.backward, difference.seconds


def count_passes(module: nn.Module) -> None:
    """Have every pass through ``module`` counted in `COUNT` from now on."""
    module.register_forward_pre_hook(_before)
    module.register_forward_hook(_after)


def _moment(tensor: object) -> _Moment:
    """Now; on a CUDA device when it gets there, which no one waits for, unless every pass is watched. Other devices are waited for."""
    if isinstance(tensor, Tensor):
        if tensor.is_cuda and WATCHER is None:
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            return event
        finish(tensor.device)
    return time.perf_counter()


def _spent(name: str, started: _Moment, ended: _Moment) -> None:
    if isinstance(started, torch.cuda.Event) and isinstance(ended, torch.cuda.Event):
        _PENDING.append((started, ended))
        if len(_PENDING) > MOST_PENDING:
            settled()
    elif isinstance(started, float) and isinstance(ended, float):
        COUNT.seconds += ended - started
        if WATCHER is not None:
            WATCHER(name, started, ended)


def _before(module: nn.Module, args: tuple[Any, ...]) -> None:
    setattr(module, _MARK, _moment(args[0] if args else None))


def _after(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
    started = module.__dict__.pop(_MARK, None)
    if not isinstance(output, Tensor):
        return
    COUNT.forward += len(output)
    if started is not None:
        _spent(f"forward × {len(output)}", started, _moment(output))
    if output.requires_grad:
        output.register_hook(_backward_started)  # type: ignore[no-untyped-call]


def _backward_started(gradient: Tensor) -> None:
    """Count a backward pass, and add its time when the autograd engine has finished it."""
    COUNT.backward += len(gradient)
    started = _moment(gradient)

    def finished() -> None:
        _spent(f"backward × {len(gradient)}", started, _moment(gradient))

    torch.autograd.Variable._execution_engine.queue_callback(finished)
