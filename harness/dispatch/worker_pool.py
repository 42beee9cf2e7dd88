"""The workers that a scheduler has: which slots are free, who has come up or ended, and who takes too long."""

from __future__ import annotations

import math
import queue
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.dispatch.devices import Slot
from harness.dispatch.executor import ExecutorError, ExecutorSettings
from harness.dispatch.worker_handle import Inbox, WorkerHandle

MAX_FAILED_STARTS = 3  # times in a row that workers of one slot may end before they are ready: then it is given up


class WorkerPool:
    """One worker per slot, or none.

    Attributes:
        inbox: what they speak into.
        workers: all that were started and have not ended.
        last_words: how the last one ended that did not come up.
    """

    def __init__(self, settings: ExecutorSettings) -> None:
        self.inbox: Inbox = queue.Queue()
        self.workers: list[WorkerHandle] = []
        self.last_words = ""
        self._settings = settings
        self._failed_starts: Counter[str] = Counter()

    @property
    def idle(self) -> list[WorkerHandle]:
        """Those that can be given a job."""
        return [worker for worker in self.workers if worker.ready and worker.assignment is None and worker.asked is None]

    @property
    def busy(self) -> bool:
        """Whether any is at a job."""
        return any(worker.assignment is not None for worker in self.workers)

    def free_slots(self, slots: Sequence[Slot]) -> list[Slot]:
        """The slots that have no worker and are not given up."""
        taken, free = [worker.slot for worker in self.workers], []
        for slot in slots:
            if slot in taken:
                taken.remove(slot)
            elif self._failed_starts[slot.name] < MAX_FAILED_STARTS:
                free.append(slot)
        return free

    def next_slot_to_ask(self, slots: Sequence[Slot]) -> Slot | None:
        """Where one more worker may be asked: the first slot if there is none, though some may have failed there; None if all have one.

        Raises `harness.dispatch.executor.ExecutorError` if there is no slot at all.
        """
        if not slots:
            raise ExecutorError("there is nothing to work on: no device, no node")
        return next(iter(self.free_slots(slots) if self.workers else slots), None)

    def listen(self) -> tuple[WorkerHandle, dict[str, Any] | None] | None:
        """Next message of a worker, or (with None) that it has ended; None if there is none for a while. Who takes too long is ended."""
        self._enforce_limits()
        try:
            worker, message = self.inbox.get(timeout=min(max(self._next_limit() - time.monotonic(), 0.01), 1.0))
        except queue.Empty:
            return None
        if worker not in self.workers:  # it was given up already
            return None
        if message is None:
            self.discard(worker)
        else:
            worker.hear(message)
            if message["event"] == "ready":
                self._failed_starts.pop(worker.slot.name, None)
        return worker, message

    def discard(self, worker: WorkerHandle) -> None:
        """End a worker, if it has not ended, and forget it."""
        worker.close()
        self.workers.remove(worker)
        if not worker.ready:
            self._failed_starts[worker.slot.name] += 1
            self.last_words = f"{worker.describe_exit()}; see {worker.log}"

    def make_room(self, worker: WorkerHandle) -> None:
        """Discard a worker so that another may be started where it is, though some may have failed to start there."""
        self.discard(worker)
        self._failed_starts.pop(worker.slot.name, None)

    def stop(self) -> None:
        """End all."""
        for worker in self.workers:
            worker.close()
        self.workers.clear()

    def _enforce_limits(self) -> None:
        now = time.monotonic()
        for worker in self.workers:
            if worker.has_ended_unsaid():
                self.inbox.put((worker, None))
            elif now > self._limit(worker):
                worker.kill("timeout")

    def _next_limit(self) -> float:
        return min(map(self._limit, self.workers), default=math.inf)

    def _limit(self, worker: WorkerHandle) -> float:
        """When a worker has taken too long for what it is at (s, monotonic): to start, to answer a question, or for a phase of a job."""
        if worker.assignment is not None:
            return worker.assignment.since + self._settings.limit(worker.assignment.phase.what)
        waited_for = worker.started if not worker.ready else worker.asked
        return math.inf if waited_for is None else waited_for + self._settings.options.startup_timeout
