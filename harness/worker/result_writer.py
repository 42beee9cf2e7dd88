"""Writes results while the next ones are computed, in the order in which they were made."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from harness.worker.timing import span

MAX_WAITING_TASKS = 4  # results that wait to be written, at most: they take memory


@dataclass(frozen=True)
class WriteTask:
    """Something to write.

    Attributes:
        name: what it is called in a trace.
        write: makes it durable, or raises.
        written: is told how that went: with None once it is durable, else with what was raised.
    """

    name: str
    write: Callable[[], object]
    written: Callable[[BaseException | None], object]


class ResultWriter:
    """A thread that writes; it starts with the first task, and ends with its process."""

    def __init__(self) -> None:
        self._tasks: queue.Queue[WriteTask] = queue.Queue(MAX_WAITING_TASKS)
        self._thread: threading.Thread | None = None

    def put(self, task: WriteTask) -> None:
        """Write it soon; waits while too much is waiting already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
            self._thread.start()
        with span("store", "wait for the writer"):
            self._tasks.put(task)

    def flush(self) -> None:
        """Wait until everything is written, and told."""
        with span("store", "wait for the writer"):
            self._tasks.join()

    def _serve(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                with span("write", task.name):
                    error = _exception_of(task.write)
                task.written(error)
            finally:
                self._tasks.task_done()


def _exception_of(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except BaseException as error:  # it is the job's, and told there
        return error
    return None
