"""Signals that ask a process to end, which end a run as Ctrl-C does: what is committed is kept, and the run folder written all the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any

TERMINATION_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class InterruptedBySignal(KeyboardInterrupt):
    """The process was asked to end by the signal of this number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def signal_number(interrupt: KeyboardInterrupt) -> int:
    """The signal behind an interrupt."""
    return interrupt.number if isinstance(interrupt, InterruptedBySignal) else signal.SIGINT


def interrupt_on_signals() -> AbstractContextManager[None]:
    """Raise `InterruptedBySignal` for SIGTERM and SIGHUP; one that is ignored already (``nohup``) stays so. Only in the main thread."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise InterruptedBySignal(number)

    return _handled([number for number in TERMINATION_SIGNALS if signal.getsignal(number) is signal.SIG_DFL], interrupt)


def ignore_signals() -> AbstractContextManager[None]:
    """Let nothing break off what is short and must be whole; in another thread, in which signals cannot be set, nothing is done."""
    return _handled([signal.SIGINT, *TERMINATION_SIGNALS], signal.SIG_IGN)


@contextmanager
def _handled(numbers: Sequence[int], handler: Any) -> Iterator[None]:
    """Have a handler for these signals within the block; only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)
