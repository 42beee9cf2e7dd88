"""Writes results while the next ones are computed, in the order in which they were made."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial

from harness.worker.timing import span

MAX_WAITING_TASKS = 4  # results that wait to be written, at most: they take memory


Write = Callable[[], object]
"""Makes something durable, or raises."""
Written = Callable[[BaseException | None], object]
"""Is told how that went: with None once it is durable, else with what was raised."""


class ResultWriter:
    """A thread that writes; it starts with the first task, and ends with its process."""

    def __init__(self) -> None:
        self._tasks: queue.Queue[tuple[str, Write, Written]] = queue.Queue(MAX_WAITING_TASKS)
        self._thread: threading.Thread | None = None
        self._unheard: BaseException | None = None  # what was raised by who was told

    def put(self, name: str, write: Write, written: Written) -> None:
        """Write something soon, by this name in a trace; waits while too much is waiting already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
            self._thread.start()
        with span("store", "wait for the writer"):
            self._tasks.put((name, write, written))

    def flush(self) -> None:
        """Wait until everything is written, and told; raises what the first raised that could not be told, once."""
        with span("store", "wait for the writer"):
            self._tasks.join()
        error, self._unheard = self._unheard, None
        if error is not None:
            raise error

    def _serve(self) -> None:
        while True:
            name, write, written = self._tasks.get()
            with span("write", name):
                error = _exception_of(write)
            unheard = _exception_of(partial(written, error))
            self._unheard = self._unheard or unheard
            self._tasks.task_done()


def _exception_of(call: Write) -> BaseException | None:
    try:
        call()
    except BaseException as error:  # it is the job's, and told or raised there: the thread goes on
        return error
    return None
