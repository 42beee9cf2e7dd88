"""The jobs that wait, in their order, found by what a worker has loaded without looking through all."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence, Set

from harness.execution.executor import without
from harness.planning.jobs import Job
from harness.planning.parts import uses

Line = list[tuple[int, str]]  # a heap of places and ids, also of jobs that are not there any more


class JobQueue:
    """Jobs by their ids; adding, taking and cancelling take nearly the same time however many there are.

    A job that uses the maps of others is held back until these are explained, or will not be. Jobs wait only for such as were added with
    them and before them, and each of these is waiting, or has been taken and will be put back or released: so none waits for ever.
    """

    def __init__(self) -> None:
        self._ready: dict[str, Job] = {}
        self._held: dict[str, Job] = {}
        self._lacks: dict[str, set[str]] = {}  # the jobs that a held job waits for
        self._holds: defaultdict[str, list[str]] = defaultdict(list)  # the jobs that wait for a job, in their order
        self._places: dict[str, int] = {}
        self._line: Line = []
        self._near: defaultdict[str, Line] = defaultdict(list)
        self._first = self._last = 0
        self._cancelled: set[str] = set()

    def __len__(self) -> int:
        return len(self._ready) + len(self._held)

    @property
    def ready(self) -> int:
        """How many jobs wait for a worker only."""
        return len(self._ready)

    def add(self, jobs: Sequence[Job]) -> None:
        """Put jobs at the end."""
        used = uses(jobs)
        for job in jobs:
            self._last += 1
            self._places[job.id] = self._last
            if job.id in used:
                self._held[job.id], self._lacks[job.id] = job, used[job.id]
                for other in used[job.id]:
                    self._holds[other].append(job.id)
            else:
                self._stand(job)

    def put_back(self, job: Job) -> None:
        """Put a job that was taken, or what is left of it, before all others."""
        self._first -= 1
        self._places[job.id] = self._first
        self._stand(job)

    def take(self, loaded: str) -> Job | None:
        """The next job on the model and data that are ``loaded``, else the next of all; without its cancelled columns."""
        while (job := self._next(self._near.get(loaded, [])) or self._next(self._line)) is not None:
            del self._ready[job.id], self._places[job.id]
            left = without(job, self._cancelled)
            if left is not None:
                return left
            self.release(job.id)
        return None

    def release(self, job: str) -> None:
        """Hold back nothing for a job any longer: its rows are explained, or will not be."""
        for held in self._holds.pop(job, ()):
            self._lacks[held].discard(job)
            if not self._lacks[held]:
                del self._lacks[held]
                self._stand(self._held.pop(held))

    def cancel(self, columns: Set[str]) -> None:
        """Drop columns from every job that waits or is put back."""
        self._cancelled |= columns

    def clear(self) -> None:
        """Drop all jobs."""
        for kept in (self._ready, self._held, self._lacks, self._holds, self._places, self._line, self._near):
            kept.clear()

    def _stand(self, job: Job) -> None:
        """Have a job wait at its place."""
        self._ready[job.id] = job
        entry = (self._places[job.id], job.id)
        heapq.heappush(self._line, entry)
        heapq.heappush(self._near[_subject(job)], entry)

    def _next(self, line: Line) -> Job | None:
        """The first in a line that is still there; those that are not leave it."""
        while line:
            place, name = line[0]
            if name in self._ready and self._places[name] == place:
                return self._ready[name]
            heapq.heappop(line)
        return None


def _subject(job: Job) -> str:
    return job.subject.prediction_key
