"""A time limit for one check, so that a component that hangs fails its check instead of hanging its tester."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harness.conformance.results import CheckTimeout


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `CheckTimeout` in the block when it takes longer; only in the main thread, and if there is ``SIGALRM``."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expired(number: int, frame: FrameType | None) -> None:
        raise CheckTimeout

    started, handler = time.monotonic(), signal.signal(signal.SIGALRM, expired)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - started), 1e-3), interval)
