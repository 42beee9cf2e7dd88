"""Gives jobs to workers, wherever they are. A worker that dies or hangs costs the explanation or the metric it was at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from harness.dispatch.crash_policy import CrashPolicy
from harness.dispatch.devices import Slot
from harness.dispatch.events import ColumnFailed, Event, JobFinished, event_from_json
from harness.dispatch.executor import ExecutorError, ExecutorSettings
from harness.dispatch.job_queue import JobQueue
from harness.dispatch.memory_retries import MemoryRetries
from harness.dispatch.questions import Questions
from harness.dispatch.reservations import Reservations
from harness.dispatch.worker_handle import ANSWERS, EPOCH, READING, Assignment, Inbox, WorkerHandle
from harness.dispatch.worker_pool import MAX_FAILED_STARTS, WorkerPool
from harness.planning.jobs import Job
from harness.store.address import is_private


class Scheduler(ABC):
    """Implements `harness.dispatch.executor.Executor` on one worker per slot.

    An executor says which slots there are and how a worker is started on one. The rest is the same for all, and each part of it has its
    own place: questions of planning (`Questions`), jobs that wait (`JobQueue`), those reserved for workers that read ahead
    (`Reservations`), workers and how long anything may take (`WorkerPool`), what becomes of the job of a worker that has ended
    (`CrashPolicy`) or lacked memory (`MemoryRetries`).
    """

    def __init__(self, settings: ExecutorSettings) -> None:
        if is_private(settings.store):
            raise ExecutorError(f"no other process sees what is in {settings.store}: use the executor inline, or another --store")
        self.settings = settings
        self._jobs = JobQueue()
        self._pool = WorkerPool(settings)
        self._reservations = Reservations(self._jobs)
        self._retries = MemoryRetries(self._jobs, self._pool)
        self._crashes = CrashPolicy(settings)
        self._questions = Questions(self._pool, self._start_one_more, settings.options.startup_timeout)

    @abstractmethod
    def slots(self) -> Sequence[Slot]:
        """Slots where there may be a worker now, one each; equal slots have equal names."""

    @abstractmethod
    def begin(self, slot: Slot, inbox: Inbox) -> WorkerHandle:
        """Start a worker that speaks into the inbox."""

    def resize(self, worker: WorkerHandle, event: Event) -> Iterable[Event]:
        """Change which slots there are for what a worker has said; events of what was decided."""
        return ()

    @property
    def workers(self) -> Sequence[WorkerHandle]:
        """All that were started and have not ended."""
        return self._pool.workers

    # the protocol

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Answered by a worker; asked again if that dies, once."""
        return self._questions.answer(request)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs; planning is over."""
        self._questions.clear()
        self._jobs.add(jobs)

    def events(self) -> Iterator[Event]:
        """Keep every worker at work until all jobs are finished."""
        while self.count_waiting() or self._pool.busy:
            self._dispatch()
            worker, message = self._pool.listen() or (None, None)
            if worker is None:
                continue
            if message is None:
                yield from self._ended(worker)
            elif message["event"] != "ready":
                yield from self._heard(worker, message)

    def cancel(self, columns: Set[str]) -> None:
        """Drop columns from all that waits."""
        self._jobs.cancel(columns)
        self._retries.drop_cancelled()

    def stop(self) -> None:
        """Kill the workers: what is committed is whole, what is not is dropped."""
        for waiting in (self._jobs, self._reservations, self._retries, self._questions):
            waiting.clear()
        self._pool.stop()

    # giving

    def count_waiting(self) -> int:
        """How many jobs no worker is at."""
        return len(self._jobs) + len(self._reservations) + len(self._retries)

    def _dispatch(self) -> None:
        """Give every idle worker a job, preferably on what it has loaded; start workers while there are jobs for them."""
        slots = self.slots()
        free = self._pool.free_slots(slots)
        others = len(self._pool.workers) + len(free) - 1
        given = {worker: self._retries.take(worker) or self._reservations.take(worker, others) for worker in self._pool.idle}
        for worker, job in given.items():  # nobody has a second one reserved before all have a first
            if job is not None:
                following = self._reservations.reserve(worker, job) if self.settings.prefetches(worker.slot.device) else None
                worker.assign(job, following)
        self._retries.make_room(len(free))
        self._start_workers(slots)

    def _start_workers(self, slots: Sequence[Slot]) -> None:
        free = self._pool.free_slots(slots)
        starting = sum(not worker.ready for worker in self._pool.workers)
        wanted = self._jobs.count_employable_workers(len(free) + starting) + self._reservations.count_pieces() + len(self._retries)
        for slot in free[: max(0, wanted - starting)]:
            self._start(slot)
        if slots and self.count_waiting() and not self._pool.workers:
            raise ExecutorError(f"{MAX_FAILED_STARTS} workers in a row ended before they were ready: {self._pool.last_words}")

    def _start(self, slot: Slot) -> WorkerHandle:
        worker = self.begin(slot, self._pool.inbox)
        self._pool.workers.append(worker)
        return worker

    def _start_one_more(self) -> WorkerHandle | None:
        """A worker to ask, if there is a place for one."""
        slot = self._pool.next_slot_to_ask(self.slots())
        return None if slot is None else self._start(slot)

    # hearing

    def _heard(self, worker: WorkerHandle, message: Mapping[str, Any]) -> Iterator[Event]:
        assignment = worker.assignment
        if assignment is None and message["event"] in (*ANSWERS, READING, EPOCH):
            return  # nobody waits for it any longer
        if assignment is None or (event := _event_of_job(message, assignment.job)) is None:
            worker.kill("speaking of a job that is not its own")
            return
        told, job = assignment.hear(event), assignment.job
        if job.key in assignment.settled:  # what is composed of its maps need not wait for its metrics
            self._jobs.release(job.id)
        if isinstance(event, JobFinished):
            self._finished(worker, assignment)
        if told:
            yield event
        elif isinstance(event, ColumnFailed) and event.column == event.starved and event.column in assignment.starved:
            yield from self._retries.note(job, event.column)
        yield from self.resize(worker, event)

    def _finished(self, worker: WorkerHandle, assignment: Assignment) -> None:
        """A worker has done its job."""
        worker.finish()
        if assignment.job.key not in assignment.starved:
            self._jobs.release(assignment.job.id)
        if assignment.starved:
            self._reservations.give_back(worker)
            self._retries.retry(worker, assignment)

    def _ended(self, worker: WorkerHandle) -> Iterator[Event]:
        """A worker has ended: blame what it was at, and give the rest of its job to another."""
        self._reservations.forget(worker)
        if worker.assignment is None:
            return
        job = worker.assignment.job
        told, left = self._crashes.of(worker, worker.assignment)
        yield from told
        if left is not None:
            self._jobs.put_back(left)
        if left is None or job.key in {*worker.assignment.settled, *(event.column for event in told)}:
            self._jobs.release(job.id)


def _event_of_job(message: Mapping[str, Any], job: Job) -> Event | None:
    """The event that a worker speaks of, or None if it is no such thing or of another job."""
    try:
        event = event_from_json(message)
    except ValueError:
        return None
    return event if event.job == job.id else None
