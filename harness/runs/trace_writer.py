"""A run's trace: what every worker did when, as a file that Perfetto (https://ui.perfetto.dev) and Chrome (about:tracing) open."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.dispatch.events import ColumnFailed, Event, JobFinished
from harness.store.errors import describe_os_error

JOBS_THREAD, WRITES_THREAD = 1, 2  # threads of a worker: the one that does jobs, and the one that writes results


class TraceWriter:
    """Writes Chrome's trace events as they come; a context manager that makes the file whole.

    A worker is a process of the trace, with its jobs, their phases and the passes through models on one track, and its writes on another.
    What failed is marked where it did.

    Attributes:
        lacking: why it is not whole, where it could not be written: no run ends for that.
    """

    lacking: str | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = path.open("w", encoding="utf-8")
        self._between = ""
        with self._enduring():
            self._stream.write('{"displayTimeUnit": "ms", "traceEvents": [\n')
        self._origin = time.time()
        self._workers: dict[str, int] = {}
        self._doing: dict[str, str] = {}  # which worker a job was given to last

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._enduring():
            self._stream.write("\n]}\n")
        with self._enduring():
            self._stream.close()

    def hear(self, event: Event) -> None:
        """Take one event in."""
        if event.worker is not None:
            self._doing[event.job] = event.worker
        process = self._process(self._doing.get(event.job, "no worker"))
        if isinstance(event, ColumnFailed):
            where = {"pid": process, "tid": JOBS_THREAD, "ts": self._at(time.time())}
            told = {"job": event.job, "column": event.column, "state": event.state, "reason": event.reason}
            self._write({"ph": "i", "s": "p", "name": event.state, "cat": "failure", **where, "args": told})
        for category, name, began, seconds in (event.traced or ()) if isinstance(event, JobFinished) else ():
            where = {"pid": process, "tid": WRITES_THREAD if category == "write" else JOBS_THREAD, "ts": self._at(began)}
            self._write({"ph": "X", "name": name, "cat": category, **where, "dur": round(seconds * 1e6, 3), "args": {"job": event.job}})

    def _at(self, seconds: float) -> float:
        """Microseconds since the run began."""
        return round((seconds - self._origin) * 1e6, 3)

    def _process(self, worker: str) -> int:
        """The number of a worker, which is named at first sight."""
        if worker not in self._workers:
            number = self._workers[worker] = len(self._workers) + 1
            self._name("process_name", number, 0, f"worker {worker}")
            self._name("thread_name", number, JOBS_THREAD, "jobs")
            self._name("thread_name", number, WRITES_THREAD, "writes")
        return self._workers[worker]

    def _name(self, what: str, process: int, thread: int, name: str) -> None:
        self._write({"ph": "M", "name": what, "pid": process, "tid": thread, "args": {"name": name}})

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self.lacking is None:
            with self._enduring():
                self._stream.write(self._between + json.dumps(entry))
                self._between = ",\n"

    @contextmanager
    def _enduring(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lacking = f"{self._path} is not whole: {describe_os_error(error)}"
