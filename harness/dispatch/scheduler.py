"""Gives jobs to workers, wherever they are. A worker that dies or hangs costs the explanation or the metric it was at."""

from __future__ import annotations

import queue
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from harness.dispatch.crash_policy import CrashPolicy
from harness.dispatch.devices import Slot
from harness.dispatch.events import ColumnFailed, Event, JobFinished, Noted, PhaseStarted, RowsCommitted, event_from_json
from harness.dispatch.executor import ExecutorError, ExecutorSettings
from harness.dispatch.job_queue import JobQueue, max_pieces
from harness.dispatch.worker_handle import Assignment, Inbox, WorkerHandle
from harness.planning.inspector import Unavailable
from harness.planning.jobs import Job
from harness.store.address import is_private

MAX_FAILED_STARTS = 3  # times in a row that workers of one slot may end before they are ready: then it is given up


class _WorkerDied(Unavailable):
    """The worker that was asked has ended."""


class Scheduler(ABC):
    """Implements `harness.dispatch.executor.Executor` on one worker per slot.

    An executor says which slots there are and how a worker is started on one; whom a job goes to, what becomes of it when its worker ends,
    and how long anything may take is the same for all.
    """

    def __init__(self, settings: ExecutorSettings) -> None:
        if is_private(settings.store):
            raise ExecutorError(f"no other process sees what is in {settings.store}: use the executor inline, or another --store")
        self._settings = settings
        self._aftermath = CrashPolicy(settings)
        self._inbox: Inbox = queue.Queue()
        self._workers: list[WorkerHandle] = []
        self._jobs = JobQueue()
        self._failed_starts: Counter[str] = Counter()
        self._excused: set[str] = set()
        self._last_words = ""

    @abstractmethod
    def slots(self) -> Sequence[Slot]:
        """Where there may be a worker now, one each; equal slots have equal names."""

    @abstractmethod
    def begin(self, slot: Slot) -> WorkerHandle:
        """Start a worker that speaks into the inbox."""

    # the protocol

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Answered by the first worker; asked again where that dies, once."""
        try:
            return self._asked(request)
        except _WorkerDied:
            return self._asked(request)

    def _asked(self, request: Mapping[str, Any]) -> Any:
        slots = self.slots()
        if not slots:
            raise ExecutorError("there is nothing to work on: no device, no node")
        worker = self._workers[0] if self._workers else self._start(slots[0])
        asked, sent = time.monotonic(), False
        while True:
            if worker.ready and not sent:
                worker.send({"do": "ask", "request": dict(request)})
                sent, worker.fresh = True, False
            try:
                speaker, message = self._inbox.get(timeout=0.2)
            except queue.Empty:
                if time.monotonic() - asked > self._settings.options.startup_timeout:
                    worker.kill("timeout")
                elif worker.has_exited and not worker.ended:
                    worker.kill()
                    self._inbox.put((worker, None))
                continue
            if speaker not in self._workers:
                continue
            if message is None:
                self._discard_worker(speaker)
                if speaker is worker:
                    if worker.killed_for == "timeout":
                        raise Unavailable(f"it took more than {self._settings.options.startup_timeout:g} s")
                    raise _WorkerDied(worker.describe_exit())
            elif message["event"] == "ready":
                speaker.ready = True
            elif message["event"] == "refused":
                raise Unavailable(message["reason"], message.get("traceback", ""))
            elif message["event"] == "answer":
                return message["value"]

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs."""
        self._jobs.add(jobs)

    def events(self) -> Iterator[Event]:
        """Keep every worker at work until all jobs are finished."""
        while self._waiting() or any(worker.assignment for worker in self._workers):
            self._dispatch()
            try:
                worker, message = self._inbox.get(timeout=self._seconds_to_next_limit())
            except queue.Empty:
                self._enforce_limits()
                continue
            if worker not in self._workers:  # it was given up already
                continue
            if message is None:
                yield from self._ended(worker)
            elif message["event"] == "ready":
                worker.ready = True
                self._failed_starts.pop(worker.slot.name, None)
            else:
                yield from self._heard(worker, message)
            self._enforce_limits()

    def cancel(self, columns: Set[str]) -> None:
        """Drop columns from the queue."""
        self._jobs.cancel(columns)

    def stop(self) -> None:
        """Kill the workers: what is committed is whole, what is not is dropped."""
        self._jobs.clear()
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    # workers

    def _start(self, slot: Slot) -> WorkerHandle:
        worker = self.begin(slot)
        self._workers.append(worker)
        return worker

    def _dispatch(self) -> None:
        """Give every idle worker a job, preferably on what it has loaded; start workers while there are jobs for them."""
        slots = self.slots()
        free = self._free_slots(slots)
        given = []
        for worker in self._workers:
            if worker.ready and worker.assignment is None:
                job = self._take(worker, len(self._workers) + len(free) - 1)
                if job is not None:
                    given.append((worker, job))
        for worker, job in given:
            if self._settings.prefetches(worker.slot.device):
                worker.reserved = self._jobs.take(job.subject.prediction_key)
            worker.assign(job)
        self._make_room_for_fresh_workers(len(free))
        free = self._free_slots(slots)
        starting = sum(not worker.ready for worker in self._workers)
        for slot in free[: max(0, self._shares(len(free) + starting) - starting)]:
            self._start(slot)
        if self._jobs and slots and not self._workers:
            raise ExecutorError(f"{MAX_FAILED_STARTS} workers in a row ended before they were ready: {self._last_words}")

    def _make_room_for_fresh_workers(self, free: int) -> None:
        """End idle workers where jobs are to be done afresh, and neither fresh workers nor free slots are left for them."""
        coming = free + sum(worker.fresh for worker in self._workers)
        idle = [worker for worker in self._workers if worker.ready and worker.assignment is None]
        for worker in idle[: max(0, self._jobs.afresh - coming)]:
            self._discard_worker(worker)
            self._failed_starts.pop(worker.slot.name, None)  # there is room for another where it was

    def _waiting(self) -> int:
        """How many jobs no worker is at."""
        return len(self._jobs) + sum(worker.reserved is not None for worker in self._workers)

    def _shares(self, most: int) -> int:
        """For how many workers more there is something, of so many: jobs that are reserved may be shared too."""
        return self._jobs.count_employable_workers(most) + sum(
            max_pieces(worker.reserved) for worker in self._workers if worker.reserved is not None
        )

    def _take(self, worker: WorkerHandle, others: int) -> Job | None:
        """The next job for a worker: its reserved one, or where nothing else waits, of those that are reserved for others."""
        self._give_back(worker)
        retry = self._jobs.take_for_fresh_worker() if worker.fresh else None
        if retry is not None:
            return retry
        job = self._shared(worker, others)
        if job is None:
            for other in self._workers:
                self._give_back(other)
            job = self._shared(worker, others)
        return job

    def _shared(self, worker: WorkerHandle, others: int) -> Job | None:
        """The next job that waits, or a piece of it where so many others will want one and have none reserved."""
        return self._jobs.take(worker.loaded, others - sum(other.reserved is not None for other in self._workers))

    def _give_back(self, worker: WorkerHandle) -> None:
        """Have the job that is reserved for a worker wait before all others."""
        if worker.reserved is not None:
            self._jobs.put_back(worker.reserved)
            worker.reserved = None

    def _free_slots(self, slots: Sequence[Slot]) -> list[Slot]:
        """The slots that have no worker and are not given up."""
        taken, free = [worker.slot for worker in self._workers], []
        for slot in slots:
            if slot in taken:
                taken.remove(slot)
            elif self._failed_starts[slot.name] < MAX_FAILED_STARTS:
                free.append(slot)
        return free

    def _heard(self, worker: WorkerHandle, message: Mapping[str, Any]) -> Iterator[Event]:
        assignment = worker.assignment
        if assignment is None or (event := _event_of_job(message, assignment.job)) is None:
            worker.kill("speaking of a job that is not its own")
            return
        job = assignment.job
        if isinstance(event, PhaseStarted):
            assignment.phase, assignment.since = event, time.monotonic()
        elif isinstance(event, ColumnFailed) and event.starved is not None and assignment.may_be_blameless(event.starved):
            assignment.starved.add(event.column)
            if event.column == event.starved:
                yield from self._note_memory_retry_once(job, event.column)
            return
        elif isinstance(event, RowsCommitted | ColumnFailed):
            assignment.settled.add(event.column)
            if event.column == job.key:
                self._jobs.release(job.id)
                if job.explained:  # that it is was told: what fails now is what was to be scored
                    return
        elif isinstance(event, JobFinished):
            self._finished(worker, assignment)
        yield event

    def _note_memory_retry_once(self, job: Job, column: str) -> Iterator[Event]:
        """What a person should know of a column that lacked memory: each time it costs a worker."""
        if column not in self._excused:
            self._excused.add(column)
            label = next((task.label for task in job.metrics if task.key == column), job.explainer)
            told = f"{label} lacked memory after others in the same worker: it is tried again in one that has done nothing before"
            yield Noted(job=job.id, reason=told)

    def _finished(self, worker: WorkerHandle, assignment: Assignment) -> None:
        """A worker has done its job. What lacked memory in it is tried afresh, and what the worker keeps of its memory goes with it."""
        worker.assignment = None
        if assignment.job.key not in assignment.starved:
            self._jobs.release(assignment.job.id)
        if assignment.starved:
            for job in assignment.retry_jobs():
                self._jobs.put_for_fresh_worker(job)
            self._discard_worker(worker)

    def _discard_worker(self, worker: WorkerHandle) -> None:
        worker.close()
        self._give_back(worker)
        self._workers.remove(worker)
        if not worker.ready:
            self._failed_starts[worker.slot.name] += 1
            self._last_words = f"{worker.describe_exit()}; see {worker.log}"

    def _ended(self, worker: WorkerHandle) -> Iterator[Event]:
        """A worker is gone: blame what it was at, and give the rest of its job to another."""
        self._discard_worker(worker)
        if worker.assignment is not None:
            job = worker.assignment.job
            told, left = self._aftermath.of(worker, worker.assignment)
            yield from told
            if left is not None:
                self._jobs.put_back(left)
            if left is None or job.key in {*worker.assignment.settled, *(event.column for event in told)}:
                self._jobs.release(job.id)

    # limits

    def _enforce_limits(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.has_exited and not worker.ended:  # a process that it left behind holds its pipe
                worker.ended = True
                self._inbox.put((worker, None))
            elif (not worker.ready and now - worker.started > self._settings.options.startup_timeout) or (
                worker.assignment is not None and now - worker.assignment.since > self._aftermath.limit(worker.assignment.phase)
            ):
                worker.kill("timeout")

    def _seconds_to_next_limit(self) -> float:
        """Seconds until the next limit could be passed."""
        now = time.monotonic()
        ends = [w.assignment.since + self._aftermath.limit(w.assignment.phase) for w in self._workers if w.assignment is not None]
        ends += [w.started + self._settings.options.startup_timeout for w in self._workers if not w.ready]
        return min(max(min(ends, default=now + 1) - now, 0.01), 1.0)


def _event_of_job(message: Mapping[str, Any], job: Job) -> Event | None:
    """The event that a worker speaks of, or None if it is no such thing or of another job."""
    try:
        event = event_from_json(message)
    except ValueError:
        return None
    return event if event.job == job.id else None
