"""A second try for what lacked memory after others in the same worker, which may have kept it: in a worker that has done nothing before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from harness.dispatch.events import Noted
from harness.dispatch.job_queue import JobQueue
from harness.dispatch.worker_handle import Assignment, WorkerHandle
from harness.dispatch.worker_pool import WorkerPool
from harness.planning.jobs import Job


class MemoryRetries:
    """The jobs that wait for a fresh worker. `harness.dispatch.worker_handle.Assignment` says what may not be to blame."""

    def __init__(self, jobs: JobQueue, pool: WorkerPool) -> None:
        self._jobs, self._pool = jobs, pool
        self._waiting: deque[Job] = deque()
        self._noted: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, job: Job, column: str) -> Iterator[Noted]:
        """Tell once of each column that it is tried again: each time it costs a worker."""
        if column not in self._noted:
            self._noted.add(column)
            label = next((task.label for task in job.metrics if task.key == column), job.explainer)
            reason = f"{label} lacked memory after others in the same worker: it is tried again in one that has done nothing before"
            yield Noted(job=job.id, reason=reason)

    def retry(self, worker: WorkerHandle, assignment: Assignment) -> None:
        """Have what lacked memory in a job that is done wait, and end its worker: what that keeps of its memory goes with it.

        Jobs come in their order from now on: taken in turns, what keeps memory would cost the other a worker each time.
        """
        self._jobs.keep_order()
        self._waiting.extend(assignment.retry_jobs())
        self.drop_cancelled()
        self._pool.discard(worker)

    def take(self, worker: WorkerHandle) -> Job | None:
        """The next job, if the worker is fresh."""
        return self._waiting.popleft() if worker.fresh and self._waiting else None

    def drop_cancelled(self) -> None:
        """Forget what is cancelled."""
        self._waiting = deque(left for job in self._waiting if (left := self._jobs.without_cancelled(job)) is not None)

    def make_room(self, free: int) -> None:
        """End idle workers if more jobs wait than there are fresh workers and free slots, so many."""
        coming = free + sum(worker.fresh for worker in self._pool.workers)
        for worker in self._pool.idle[: max(0, len(self._waiting) - coming)]:
            self._pool.make_room(worker)

    def clear(self) -> None:
        """Forget all."""
        self._waiting.clear()
