"""The jobs that workers will probably be at next, so that they can read ahead."""

from __future__ import annotations

from harness.dispatch.job_queue import JobQueue, max_pieces
from harness.dispatch.worker_handle import WorkerHandle
from harness.planning.jobs import Job


class Reservations:
    """One job per worker, or none: taken out of the queue, and put back once its worker, or another that has nothing else, wants one."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs
        self._reserved: dict[WorkerHandle, Job] = {}

    def __len__(self) -> int:
        return len(self._reserved)

    def count_pieces(self) -> int:
        """Into how many pieces all may be split."""
        return sum(map(max_pieces, self._reserved.values()))

    def reserve(self, worker: WorkerHandle, job: Job) -> Job | None:
        """Reserve the next job on what a worker will have loaded that is given this one."""
        following = self._jobs.take(job.subject.prediction_key, by=worker)
        if following is not None:
            self._reserved[worker] = following
        return following

    def take(self, worker: WorkerHandle, others: int) -> Job | None:
        """A job for a worker: its reserved one, else the next that waits, else one that is reserved for another.

        It is a piece of one if fewer wait than so many other workers that will want one, and have none reserved.
        """
        self.give_back(worker)
        job = self._next(worker, others)
        if job is None:
            for other in list(self._reserved):
                self.give_back(other)
            job = self._next(worker, others)
        return job

    def give_back(self, worker: WorkerHandle) -> None:
        """Have the job that is reserved for a worker wait before all others."""
        if worker in self._reserved:
            self._jobs.put_back(self._reserved.pop(worker))

    def forget(self, worker: WorkerHandle) -> None:
        """Reserve nothing for a worker that has ended, nor prefer what it had."""
        self.give_back(worker)
        self._jobs.forget(worker)

    def clear(self) -> None:
        """Forget all."""
        self._reserved.clear()

    def _next(self, worker: WorkerHandle, others: int) -> Job | None:
        return self._jobs.take(worker.loaded, others - len(self._reserved), by=worker)
