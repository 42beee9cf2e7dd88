"""The jobs that wait, in their order, found by what a worker has loaded without looking through all."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence, Set

from harness.dispatch.executor import drop_columns
from harness.planning.jobs import Job
from harness.planning.map_dependencies import find_map_dependencies
from harness.planning.sharding import SMALLEST_SHARD
from harness.store.map_files import SampleKey

JobHeap = list[tuple[int, str]]  # a heap of places and ids, also of jobs that are not there any more
RowsKey = tuple[str, str | None, tuple[SampleKey, ...]]
NEAR = 8  # jobs at the front of a line from which a worker has one on rows that it had before


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
        self._line: JobHeap = []
        self._near: defaultdict[str, JobHeap] = defaultdict(list)
        self._first = self._last = 0
        self._cancelled: set[str] = set()
        self._pieces: Counter[str] = Counter()  # taken of each job so far
        self._had: dict[RowsKey, Hashable] = {}  # who had rows last, and has what was computed of them whatever the explainer
        self._in_order = False
        self._passed: Counter[str] = Counter()  # how often each first in a line was not taken for that

    def __len__(self) -> int:
        return len(self._ready) + len(self._held)

    def count_employable_workers(self, most: int) -> int:
        """For how many workers there is something, of so many: jobs, or if these are fewer, pieces of them."""
        if len(self) >= most:
            return most
        return min(most, len(self) + sum(max_pieces(job) - 1 for job in self._ready.values()))

    def add(self, jobs: Sequence[Job]) -> None:
        """Put jobs at the end."""
        used = find_map_dependencies(jobs)
        for job in jobs:
            self._last += 1
            self._places[job.id] = self._last
            if job.id in used:
                self._held[job.id], self._lacks[job.id] = job, used[job.id]
                for other in used[job.id]:
                    self._holds[other].append(job.id)
            else:
                self._enqueue(job)

    def put_back(self, job: Job) -> None:
        """Put a job that was taken, or what is left of it, before all others."""
        self._first -= 1
        self._places[job.id] = self._first
        self._enqueue(job)

    def take(self, loaded: str, others: int = 0, by: Hashable = None) -> Job | None:
        """The next job on the model and data that are ``loaded``, else the next of all; without its cancelled columns.

        If fewer jobs are left than ``others``, the workers that will want one too, it is a piece of that job, and the rest waits on.
        Of the next few ``by`` gets one on rows that it had before, else on rows that nobody had.
        """
        while (job := self._next(self._near.get(loaded, []), by) or self._next(self._line, by)) is not None:
            place = self._places.pop(job.id)
            del self._ready[job.id]
            self._passed.pop(job.id, None)
            left = self.without_cancelled(job)
            if left is not None:
                if by is not None:
                    self._had[_rows_key(left)] = by
                return self._piece(left, place, 1 + others - len(self._ready))
        return None

    def forget(self, worker: Hashable) -> None:
        """Whatever a worker had is nobody's any longer."""
        self._had = {rows: had for rows, had in self._had.items() if had != worker}

    def keep_order(self) -> None:
        """Give jobs in their order from now on, whoever had their rows: those of one explainer stay together."""
        self._in_order = True

    def release(self, job: str) -> None:
        """Hold back nothing for a job any longer: its rows are explained, or will not be."""
        for held in self._holds.pop(job, ()):
            self._lacks[held].discard(job)
            if not self._lacks[held]:
                del self._lacks[held]
                self._enqueue(self._held.pop(held))

    def cancel(self, columns: Set[str]) -> None:
        """Drop columns from every job that waits or is put back."""
        self._cancelled |= columns

    def clear(self) -> None:
        """Drop all jobs."""
        waiting = (self._ready, self._held, self._lacks, self._holds, self._places, self._line, self._near, self._pieces)
        for kept in (*waiting, self._had, self._passed):
            kept.clear()

    def without_cancelled(self, job: Job) -> Job | None:
        """Rest of a job that is taken; if that is nothing, the job is released."""
        left = drop_columns(job, self._cancelled)
        if left is None:
            self.release(job.id)
        return left

    def _piece(self, job: Job, place: int, among: int) -> Job:
        """What one of so many workers gets of a job that all share; the rest waits at its place, and for both what waits for the whole."""
        if among < 2 or max_pieces(job) < 2:
            return job
        self._pieces[job.origin] += 1
        piece, rest = job.split(max(SMALLEST_SHARD, -(-len(job.rows) // among)), self._pieces[job.origin])
        if job.id in self._holds:
            self._holds[piece.id] = list(self._holds[job.id])
            for held in self._holds[piece.id]:
                self._lacks[held].add(piece.id)
        self._places[job.id] = place
        self._enqueue(rest)
        return piece

    def _enqueue(self, job: Job) -> None:
        """Have a job wait at its place."""
        self._ready[job.id] = job
        entry = (self._places[job.id], job.id)
        heapq.heappush(self._line, entry)
        heapq.heappush(self._near[_subject_key(job)], entry)

    def _next(self, line: JobHeap, by: Hashable) -> Job | None:
        """The first in a line that is still there, or one close behind it that suits a worker better; those that are not there leave it."""
        front: JobHeap = []
        by = None if self._in_order else by
        while line and len(front) < (1 if by is None else NEAR):
            place, name = heapq.heappop(line)
            if name in self._ready and self._places[name] == place:
                front.append((place, name))
        for entry in front:
            heapq.heappush(line, entry)
        if not front:
            return None
        jobs = [self._ready[name] for _, name in front]
        if by is None or front[0][0] < 0 or self._passed[jobs[0].id] >= NEAR:  # it was put back, or waits for long enough
            return jobs[0]
        had = [self._had.get(_rows_key(job)) for job in jobs]
        suits = next((job for job, who in zip(jobs, had, strict=True) if who == by), None)
        chosen = suits or next((job for job, who in zip(jobs, had, strict=True) if who is None), jobs[0])
        if chosen is not jobs[0]:
            self._passed[jobs[0].id] += 1
        return chosen


def max_pieces(job: Job) -> int:
    """Into how many pieces a job may be split."""
    return max(1, len(job.rows) // SMALLEST_SHARD)


def _subject_key(job: Job) -> str:
    return job.subject.prediction_key


def _rows_key(job: Job) -> RowsKey:
    """What shards of the same rows have in common, as prepared for the same model."""
    return job.subject.prediction_key, job.subject.variant_prediction_key, tuple(row.key for row in job.rows[:1])
