"""Files of a run folder that are written while the run goes on: the journal of its events, and the trace of what took how long."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from harness.dispatch.events import ColumnFailed, Event, JobFinished, PhaseStarted, event_to_json
from harness.store.errors import StoreError, describe_os_error

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

JOBS_THREAD, WRITES_THREAD = 1, 2  # threads of a worker in a trace: the one that does jobs, and the one that writes results


class EventFile:
    """A file that is appended to; a context manager that closes it.

    Attributes:
        lacking: why it lacks events, if it could not be written: no run ends for that.
    """

    lacking: str | None = None

    def __init__(self, path: Path, mode: str) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: BinaryIO = path.open(mode, buffering=0)  # type: ignore[assignment]
        self._started = time.time()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError):
            self._stream.close()

    def _append(self, text: str) -> None:
        content = text.encode()
        try:
            if self._stream.write(content) < len(content):
                self.lacking = f"{self._path} ends within a line: the disk is full"
        except OSError as error:
            self.lacking = f"{self._path} lacks some events: {describe_os_error(error)}"


class Journal(EventFile):
    """One JSON line per event with the time since the run's start, so that a run can be followed and looked back at.

    Whoever writes it has the folder: two runs at once would leave files of one beside files of the other. Raises `StoreError` if another
    run has it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "ab")
        self._began = time.monotonic()
        _lock_folder(self._stream, path.parent)

    def hear(self, event: Event) -> None:
        """Write down an event, but for phases."""
        if not isinstance(event, PhaseStarted):
            self.write(event_to_json(event, without={"traced", "traceback"}))

    def write(self, entry: Mapping[str, Any]) -> None:
        """Append one line."""
        self._append(json.dumps({"at": round(time.monotonic() - self._began, 3), **entry}) + "\n")


def _lock_folder(stream: BinaryIO, folder: Path) -> None:
    """Lock the file for as long as it is open, however the process ends; a file system without locks has none to give."""
    if fcntl is None:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError):
            stream.close()
            raise StoreError(f"the run folder {folder} is in use by another run: wait until that ends, or use another --out") from error


class TraceWriter(EventFile):
    """Chrome's trace events of what every worker did when, for Perfetto (https://ui.perfetto.dev) and Chrome (about:tracing).

    A worker is a process of the trace, with its jobs, their phases and the passes through models on one track, and its writes on another.
    What failed is marked at its time. Leaving the context makes the file whole.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "wb")
        self._between = ""
        self._workers: dict[str, int] = {}
        self._doing: dict[str, str] = {}  # the worker that a job was given to last
        self._append('{"displayTimeUnit": "ms", "traceEvents": [\n')

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._append("\n]}\n")
        super().__exit__(kind, error, trace)

    def hear(self, event: Event) -> None:
        """Take one event in."""
        if event.worker is not None:
            self._doing[event.job] = event.worker
        process = self._process(self._doing.get(event.job, "no worker"))
        match event:
            case ColumnFailed():
                place = {"pid": process, "tid": JOBS_THREAD, "ts": self._at(time.time())}
                told = {"job": event.job, "column": event.column, "state": event.state, "reason": event.reason}
                self._write({"ph": "i", "s": "p", "name": event.state, "cat": "failure", **place, "args": told})
            case JobFinished():
                for category, name, began, seconds in event.traced or ():
                    place = {"pid": process, "tid": WRITES_THREAD if category == "write" else JOBS_THREAD, "ts": self._at(began)}
                    span = {"name": name, "cat": category, **place, "dur": round(seconds * 1e6, 3)}
                    self._write({"ph": "X", **span, "args": {"job": event.job}})

    def _at(self, seconds: float) -> float:
        """Microseconds since the run began."""
        return round((seconds - self._started) * 1e6, 3)

    def _process(self, worker: str) -> int:
        """The number of a worker, which is named at first sight."""
        if worker not in self._workers:
            number = self._workers[worker] = len(self._workers) + 1
            titles = [
                ("process_name", 0, f"worker {worker}"),
                ("thread_name", JOBS_THREAD, "jobs"),
                ("thread_name", WRITES_THREAD, "writes"),
            ]
            for title, thread, name in titles:
                self._write({"ph": "M", "name": title, "pid": number, "tid": thread, "args": {"name": name}})
        return self._workers[worker]

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self.lacking is None:
            self._append(self._between + json.dumps(entry))
            self._between = ",\n"
