"""What asks a process to end, ends a run as Ctrl-C does: what is committed is kept, and the run folder written all the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATION_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class InterruptedBySignal(KeyboardInterrupt):
    """The process was asked to end by the signal of this number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def signal_number(interrupt: KeyboardInterrupt) -> int:
    """The signal behind an interrupt."""
    return interrupt.number if isinstance(interrupt, InterruptedBySignal) else signal.SIGINT


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Raise `InterruptedBySignal` for SIGTERM and SIGHUP; one that is ignored already (``nohup``) stays so. Only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, _raise_interrupt) for number in TERMINATION_SIGNALS if signal.getsignal(number) is signal.SIG_DFL
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ignore_signals() -> Iterator[None]:
    """Let nothing break off what is short and must be whole; where signals cannot be set (another thread) nothing is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *TERMINATION_SIGNALS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _raise_interrupt(number: int, frame: FrameType | None) -> None:
    raise InterruptedBySignal(number)
