"""Times of what passes between a command and its first job, and of what it goes into."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.dispatch.events import Event
from harness.dispatch.worker_handle import WorkerHandle
from harness.runs.plan_report import RequestFunction
from harness.runs.process_uptime import seconds_since_start

WAITED_FOR = {"dataset": "data", "training": "data", "model": "networks"}
WORKERS, COMPONENTS = "workers", "components"
MIN_SECONDS = 0.05  # seconds that are worth saying


class StartupTimes:
    """Times what is waited for before the first job.

    Attributes:
        before: seconds from the process's start to this object's: interpreter, imports, components, the spec.
        waited: seconds that planning waited, by what for; what two workers are at at once is told once.
        ready: seconds from the process's start to the first job's, or None if there was none.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.before = seconds_since_start()
        self.waited: dict[str, float] = {}
        self.ready: float | None = None
        self._workers: Callable[[], Iterable[WorkerHandle]] = list

    def timed(self, ask: RequestFunction, workers: Callable[[], Iterable[WorkerHandle]]) -> RequestFunction:
        """``ask`` whose time is taken: until the first of the workers has come up it is theirs, from then on that of what is asked."""
        self._workers = workers

        def told(request: Mapping[str, Any]) -> Any:
            asked = time.monotonic()
            try:
                return ask(request)
            finally:
                answered = time.monotonic()
                up = min((worker.started + worker.start_seconds for worker in workers() if worker.ready), default=asked)
                up = min(max(up, asked), answered)
                self._add(WORKERS, up - asked)
                self._add(WAITED_FOR.get(request["ask"], COMPONENTS), answered - up)

        return told

    def timed_start(self, expect: Callable[[Any], object]) -> Callable[[Any], None]:
        """``expect`` whose time is taken: it starts workers, and waits for a fork server that still imports."""

        def told(requests: Any) -> None:
            began = time.monotonic()
            expect(requests)
            self._add(WORKERS, time.monotonic() - began)

        return told

    def hear(self, event: Event) -> None:
        """The first event tells of the first job; where planning had nothing to ask, it is the first that waited for a worker."""
        if self.ready is None:
            self.ready = self.before + time.monotonic() - self._began
            if WORKERS not in self.waited:
                self._add(WORKERS, min((worker.start_seconds for worker in self._workers() if worker.ready), default=0.0))

    def to_json(self) -> dict[str, Any]:
        """What the journal holds: seconds that planning waited."""
        return {"waited": {part: round(seconds, 3) for part, seconds in self.waited.items()}}

    def line(self) -> str | None:
        """``ready after 4.2 s: starting 1.0, workers 1.4, data 1.1, networks 0.2, the rest 0.5``; None if there was no job."""
        if self.ready is None:
            return None
        parts = {"starting": self.before, **self.waited}
        parts["the rest"] = self.ready - sum(parts.values())
        told = ", ".join(f"{part} {seconds:.1f}" for part, seconds in parts.items() if seconds >= MIN_SECONDS)
        return f"ready after {self.ready:.1f} s: {told}"

    def _add(self, part: str, seconds: float) -> None:
        self.waited[part] = self.waited.get(part, 0.0) + seconds
