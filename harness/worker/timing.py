"""Nested spans of a worker's time, of a few kinds; what a span takes outside the spans in it and outside the model is its own."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from harness.worker.pass_counter import WATCHERS, settle_pending_times

SpanKind = Literal["job", "load", "inputs", "explain", "score", "checks", "store", "write", "model"]
TracedSpan = tuple[str, str, float, float]  # kind, name, when it began (s since 1970), how long it took (s)
PERF_COUNTER_EPOCH = time.time() - time.perf_counter()


@dataclass
class _OpenSpan:
    """A span that has not ended: when it began, what the model had taken then, and what spans in it took outside the model."""

    started: float
    model: float
    within: float = 0.0


@dataclass
class JobTimes:
    """An account of one job's time.

    Attributes:
        own: seconds by kind that belong to no span further inside; with the model's, they are all there were.
        traced: every span, if they are wanted.
    """

    own: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    traced: list[TracedSpan] | None = None


class Timeline:
    """Measures spans of the thread that does jobs; of other threads it only traces them."""

    def __init__(self) -> None:
        self._times = JobTimes()
        self._thread = threading.local()

    @contextmanager
    def job(self, name: str, traced: bool) -> Iterator[JobTimes]:
        """A new count, filled in on leaving the block; with ``traced`` every span is kept, those of passes through models too."""
        times = self._times = JobTimes(traced=[] if traced else None)
        WATCHERS[:] = [self._pass] if traced else []
        try:
            with self.span("job", name):
                yield times
        finally:
            WATCHERS.clear()

    @contextmanager
    def span(self, kind: SpanKind, name: str = "") -> Iterator[None]:
        """Something that takes time."""
        stack: list[_OpenSpan] = self._thread.__dict__.setdefault("stack", [])
        times, opened = self._times, _OpenSpan(time.perf_counter(), settle_pending_times().seconds)
        stack.append(opened)
        try:
            yield
        finally:
            stack.pop()
            seconds = time.perf_counter() - opened.started
            outside = max(0.0, seconds - (settle_pending_times().seconds - opened.model))
            if kind != "write":
                times.own[kind] += max(0.0, outside - opened.within)
            if stack:
                stack[-1].within += outside
            if times.traced is not None:
                times.traced.append((kind, name or kind, PERF_COUNTER_EPOCH + opened.started, seconds))

    def _pass(self, name: str, started: float, ended: float) -> None:
        if self._times.traced is not None:
            self._times.traced.append(("model", name, PERF_COUNTER_EPOCH + started, ended - started))


TIMELINE = Timeline()  # of this process, as the count of passes is
span = TIMELINE.span
