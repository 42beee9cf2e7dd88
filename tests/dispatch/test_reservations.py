"""A scheduler whose workers do anything at any time, as it is drawn at random; what must hold is looked at after each step."""

from __future__ import annotations

import queue
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dispatch.devices import Slot
from harness.dispatch.events import ColumnFailed, Event, JobFinished, PhaseStarted, RowsCommitted, event_to_json
from harness.dispatch.executor import ExecutorError
from harness.dispatch.worker_handle import Inbox
from harness.dispatch.worker_pool import MAX_FAILED_STARTS
from harness.planning.jobs import Job
from tests.support.fake_workers import FakeScheduler, FakeWorker, slots
from tests.support.jobs import composed, parts_of

Cell = tuple[str, int]  # a column, and the position of a row
ROWS = 40
STEPS = 2000


class Worker(FakeWorker):
    """Goes through its job step by step; each step is what it says."""

    def __init__(self, slot: Slot, inbox: Inbox, world: World) -> None:
        super().__init__(slot, inbox)
        self._world = world
        self.steps: Iterator[Event] | None = None
        self.over = False

    def send(self, message: Mapping[str, Any]) -> None:
        super().send(message)
        job = Job.from_json(message["job"])
        self._world.begins(self, job)
        self.steps = self._world.does(self, job)


class Random(FakeScheduler):
    """The scheduler; its inbox is the world."""

    def __init__(self, world: World, there: list[Slot], prefetch: bool) -> None:
        super().__init__(there, prefetch)
        self._world = world
        self._pool.inbox = world  # type: ignore[assignment]
        self._crashes._find_committed = world.found  # type: ignore[method-assign]

    def hand(self, slot: Slot, inbox: Inbox) -> FakeWorker:
        assert self.there.count(slot) > [worker.slot for worker in self.workers].count(slot), "two workers in one slot"
        return Worker(slot, inbox, self._world)


@dataclass
class World:
    """What becomes of the jobs.

    Attributes:
        at: the job of each worker that is at one.
        stored: the cells that are in the store.
        told: those that were told to be.
        given_up: columns that were told to have failed, or were cancelled.
        given: the job that went by an id last.
        patience: how many more deaths, of workers or of machines, may happen.
    """

    chance: random.Random
    jobs: list[Job]
    there: list[Slot]
    prefetch: bool
    at: dict[Worker, Job] = field(default_factory=dict)
    stored: set[Cell] = field(default_factory=set)
    told: set[Cell] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    given: dict[str, Job] = field(default_factory=dict)
    patience: int = 8
    steps: int = 0

    def __post_init__(self) -> None:
        self.crew = Random(self, list(self.there), self.prefetch)
        self.place = {job.id: number for number, job in enumerate(self.jobs)}
        self.greedy = self.chance.choice([0.0, 0.1, 0.5])  # how often a column lacks memory
        self.broken = self.chance.choice(self.there).name if self.chance.random() < 0.2 else None  # where no worker comes up

    # what a worker does

    def begins(self, worker: Worker, job: Job) -> None:
        """It is given a job: nobody else is at any of it, none of it is there, and all that it uses is, or will not be."""
        assert worker not in self.at
        for other in self.at.values():
            assert not wanted(job) & wanted(other), "two workers are at one cell"
        assert wanted(job), "nothing is left of it"
        assert not wanted(job) & self.told, "what is finished is computed again"
        assert job.key not in self.given_up, "its explanation was cancelled, or failed"
        for other in self.jobs[: self.place[job.origin]]:
            if other.key in parts_of(job) and self.needed(other):
                parts = {(other.key, row.position) for row in set(other.rows) & set(job.rows) if other.keeps(row)}
                assert parts <= self.told, "a composition before its parts"
        self.at[worker] = self.given[job.id] = job

    def does(self, worker: Worker, job: Job) -> Iterator[Event]:
        """What it says while it is at a job."""
        columns = [job.key, *(task.key for task in job.metrics)]
        yield phase(job, "load")
        if self.chance.random() < 0.02:
            yield from (failed(job, column, "blocked") for column in columns)
            yield done(job)
            return
        if self.chance.random() < self.greedy / 4:
            yield from (failed(job, column, "blocked", job.key) for column in columns)
            yield done(job)
            return
        for column in columns:
            yield phase(job, "score", column)
            lost = columns if column == job.key else [column]
            if self.chance.random() < self.greedy:
                yield from (failed(job, each, "out-of-memory", column) for each in lost)
            elif self.chance.random() < 0.03:
                yield from (failed(job, each, "failed") for each in lost)
            else:
                self.stored |= cells(job, column)
                yield RowsCommitted(job=job.id, column=column, rows=len(job.rows))
                continue
            if column == job.key:
                break
        yield done(job)

    def found(self, job: Job, settled: set[str]) -> list[RowsCommitted]:
        """What a worker that is gone had stored of its job, and not told."""
        columns = [job.key, *(task.key for task in job.metrics)]
        there = [key for key in columns if key not in settled and cells(job, key) <= self.stored and not cells(job, key) <= self.told]
        return [RowsCommitted(job=job.id, column=key, rows=len(job.rows)) for key in there]

    # the inbox

    def put(self, item: object) -> None:
        raise AssertionError("nothing is put here: no worker hangs")

    def get(self, timeout: float) -> tuple[Worker, dict[str, Any] | None]:
        """The next thing that happens."""
        self.steps += 1
        assert self.steps < STEPS, "it does not end"
        self.look()
        if not self.crew.there or (len(self.crew.there) < len(self.there) and self.chance.random() < 0.1):
            self.crew.there.append(self.chance.choice(self.lacking()))
            raise queue.Empty
        alive = [worker for worker in self.crew.begun if isinstance(worker, Worker) and not worker.over and not worker.closed]
        if not alive or self.chance.random() < 0.05:
            raise queue.Empty
        worker = self.chance.choice(alive)
        if worker.killed_for is not None:
            return self.ends(worker)
        if self.patience and self.chance.random() < 0.05:
            self.patience -= 1
            how = self.chance.random()
            if how < 0.3:
                worker.kill("timeout")
            elif how < 0.5:
                worker.lost = "its machine is gone"
                self.crew.there = [slot for slot in self.crew.there if slot is not worker.slot]
            elif how < 0.7 and worker.steps is not None:
                next(worker.steps, None)  # it did it, and did not come to say so
            return self.ends(worker)
        if worker.steps is not None:
            said = next(worker.steps)
            if isinstance(said, JobFinished):
                worker.steps = None
                del self.at[worker]
            return worker, event_to_json(said)
        if not worker.ready:
            return self.ends(worker) if worker.slot.name == self.broken else (worker, {"event": "ready"})
        raise queue.Empty

    def lacking(self) -> list[Slot]:
        """The slots that are not there now."""
        lacking = list(self.there)
        for slot in self.crew.there:
            lacking.remove(slot)
        return lacking

    def ends(self, worker: Worker) -> tuple[Worker, None]:
        worker.over = True
        self.at.pop(worker, None)
        return worker, None

    # what must hold

    def needed(self, job: Job) -> bool:
        """Whether something would be lacking without a job."""
        wanted = {task.key for task in job.metrics} - self.given_up
        return job.key not in self.given_up and (bool(wanted) or not job.metrics)

    def look(self) -> None:
        """No two workers have one job reserved, and nobody one that another is at."""
        held = {worker: job for worker in self.crew.workers if (job := self.crew._reservations._reserved.get(worker)) is not None}
        reserved = list(held.values())
        assert len(reserved) == len(self.crew._reservations), "a job is reserved for a worker that has ended"
        assert all(worker.assignment is not None for worker in held)
        claimed = Counter(cell for job in (*reserved, *self.at.values()) for cell in wanted(job))
        assert all(count == 1 for count in claimed.values())
        assert not any(wanted(job) & self.told for job in reserved)
        idle = self.crew._pool.idle
        assert not idle or not (self.crew._jobs._ready or reserved), "a worker waits, and so does a job"

    def hear(self, event: Event) -> None:
        """One thing that is told."""
        if isinstance(event, RowsCommitted):
            told = cells(self.given[event.job], event.column)
            assert len(told) == event.rows
            assert told <= self.stored
            assert not told & self.told, "it is told twice"
            self.told |= told
        elif isinstance(event, ColumnFailed):
            if event.starved is not None:
                self.blamed(event)
            self.given_up.add(event.column)
            self.crew.cancel({event.column})
        if self.chance.random() < 0.01:
            column = self.chance.choice([column for job in self.jobs for column in (job.key, *(task.key for task in job.metrics))])
            self.given_up.add(column)
            self.crew.cancel({column})

    def blamed(self, event: ColumnFailed) -> None:
        """What lacked memory did so in a worker that had done nothing else."""
        (worker,) = (worker for worker, job in self.at.items() if job.id == event.job)
        first = Job.from_json(worker.given[0])
        assert first.id == event.job
        assert event.starved in (first.key, *(task.key for task in first.metrics[:1]))

    def run(self) -> None:
        self.crew.submit(self.jobs)
        try:
            for event in self.crew.events():
                self.hear(event)
        except ExecutorError:
            ended = Counter(worker.slot.name for worker in self.crew.begun if not worker.ready)
            assert all(ended[slot.name] >= MAX_FAILED_STARTS for slot in self.crew.there)
            assert not self.at
            return
        assert not self.at
        assert not len(self.crew._reservations)
        for job in self.jobs:
            if self.needed(job):
                assert {cell for cell in wanted(job) if cell[0] not in self.given_up} <= self.told, "it was lost"
        assert not self.crew._jobs._holds, "something would wait for ever"


def phase(job: Job, what: Any, column: str | None = None) -> Event:
    return PhaseStarted(job=job.id, what=what, component="it", column=column)


def failed(job: Job, column: str, state: Any, starved: str | None = None) -> Event:
    return ColumnFailed(job=job.id, column=column, state=state, reason="why", starved=starved)


def done(job: Job) -> Event:
    return JobFinished(job=job.id)


def cells(job: Job, column: str) -> set[Cell]:
    return {(column, row.position) for row in job.rows}


def wanted(job: Job) -> set[Cell]:
    """The cells that a job is to make."""
    columns = [*([] if job.explained else [job.key]), *(task.key for task in job.metrics)]
    return {cell for column in columns for cell in cells(job, column)}


def drawn(chance: random.Random) -> World:
    """A world of some explainers, composed of others or not, in shards, in any order."""
    jobs: list[Job] = []
    columns = range(chance.randint(1, 5))
    for number in columns:
        parts = [part for part in chance.sample(columns, chance.randint(0, min(2, len(columns) - 1))) if part != number]
        size, metrics = chance.randint(5, ROWS), chance.sample("abc", chance.randint(0, 3))
        subject, keep = chance.choice("xy"), chance.choice([None, None, 20])
        for start in range(0, ROWS, size):
            jobs.append(composed(number, parts, range(start, min(ROWS, start + size)), subject, keep, metrics))
    chance.shuffle(jobs)
    names = chance.choice([["cpu"], ["cpu", "cpu"], ["cuda:0", "cuda:1"], ["cpu"] * 4, ["cuda:0", "cuda:1", "cuda:0"]])
    return World(chance, jobs, slots(*names), chance.random() < 0.6)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64))
def test_whatever_workers_do_every_column_of_every_job_is_settled_once(seed: int) -> None:
    drawn(random.Random(seed)).run()
