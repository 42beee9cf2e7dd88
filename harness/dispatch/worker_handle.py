"""One worker as its driver sees it, wherever it is: what it is at, since when, and how it ended."""

from __future__ import annotations

import queue
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.dispatch.devices import Slot
from harness.dispatch.events import ColumnFailed, Event, PhaseStarted, RowsCommitted
from harness.planning.jobs import Job, SubjectRows

ANSWERS = ("answer", "refused")
"""Events with which a worker answers a question."""
READING = "reading"
"""The event that tells how far it is with one that takes long: ``done`` samples ``of`` so many."""
EPOCH = "epoch"
"""The event that tells of a training that an epoch is over and durable: ``entry`` is its line of the curve."""
Inbox = queue.Queue["tuple[WorkerHandle, dict[str, Any] | None]"]


@dataclass
class Assignment:
    """The job a worker is at.

    Attributes:
        job: which.
        first: whether it is the first of a worker that has its device to itself.
        phase: what it is doing of it.
        since: when that began (s, monotonic).
        settled: the columns that are done or failed.
        starved: those that lacked memory, and may not be to blame.
    """

    job: Job
    first: bool = False
    phase: PhaseStarted = field(default_factory=lambda: PhaseStarted(job="", what="load"))
    since: float = field(default_factory=time.monotonic)
    settled: set[str] = field(default_factory=set)
    starved: set[str] = field(default_factory=set)

    def hear(self, event: Event) -> bool:
        """Take note of an event; whether it is to be told: that something is tried again is not, nor what was told of another piece."""
        if isinstance(event, PhaseStarted):
            self.phase, self.since = event, time.monotonic()
        elif isinstance(event, ColumnFailed) and event.starved is not None and self._may_be_blameless(event.starved):
            self.starved.add(event.column)
            return False
        elif isinstance(event, RowsCommitted | ColumnFailed):
            self.settled.add(event.column)
            return not (self.job.explained and event.column == self.job.key)  # that fails for what was to be scored
        return True

    def retry_jobs(self) -> list[Job]:
        """Jobs in each of which one column that may not be to blame comes first; of those the explanation is, all the rest follow."""
        left = self.job.without(self.settled)
        return [left] if self.job.key in self.starved else [left.only(task) for task in left.metrics if task.key in self.starved]

    def _may_be_blameless(self, culprit: str) -> bool:
        """Whether others may have had the memory that a column lacked: another worker, the worker's jobs before, the metrics before it."""
        return not (self.first and culprit in [self.job.key, *(task.key for task in self.job.metrics[:1])])


class WorkerHandle(ABC):
    """Takes messages, and puts what it says into an inbox: itself with an event, or with None once it has ended.

    Attributes:
        slot: the place it is in.
        started: when it was (s, monotonic).
        start_seconds: how long it took until it was ready.
        ready: whether it has said that it can take jobs.
        asked: since when it is at a question, or at what it has told of it since (s, monotonic); None if it is at none.
        assignment: the job it is at, or None.
        loaded: the subject of its last job, which it need not load again; empty before the first.
        shares_device: whether another worker has, or had, the same accelerator.
        fresh: whether nothing has been loaded in it yet, by a job or to answer a question.
        killed_for: why it was ended, or None.
        ended: whether it has said its last.
        lost: how its machine was lost and it with it, which is no fault of what it was at; None if it ended by itself.
        log: the place in which what it prints is kept.
    """

    lost: str | None = None
    log: str

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.started = time.monotonic()
        self.start_seconds = 0.0
        self.ready = False
        self.asked: float | None = None
        self.assignment: Assignment | None = None
        self.loaded = ""
        self.killed_for: str | None = None
        self.shares_device = False
        self.fresh = True
        self.ended = False

    def ask(self, request: Mapping[str, Any]) -> None:
        """Put a question to it."""
        self.asked, self.fresh = time.monotonic(), False
        self.send({"do": "ask", "request": dict(request)})

    def assign(self, job: Job, following: Job | None) -> None:
        """Give it a job, and tell it of the rows of the one that may follow."""
        self.assignment, self.fresh = Assignment(job, first=self.fresh and not self.shares_device), False
        self.loaded = job.subject.prediction_key
        rows = None if following is None else SubjectRows(following.subject, following.rows).to_json()
        self.send({"do": "job", "job": job.to_json(), "following": rows})

    def share_device(self) -> None:
        """From now on another has its accelerator too, and may have the memory that it lacks."""
        self.shares_device = True
        if self.assignment is not None:
            self.assignment.first = False

    def finish(self) -> None:
        """It has done its job."""
        self.assignment = None

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take note of what it says of itself."""
        if message["event"] == "ready":
            self.ready, self.start_seconds = True, time.monotonic() - self.started
        elif message["event"] in ANSWERS:
            self.asked = None
        elif message["event"] in (READING, EPOCH) and self.asked is not None:  # it does not hang
            self.asked = time.monotonic()

    def has_ended_unsaid(self) -> bool:
        """Whether it has ended without saying so, which is true once: a process that it left behind may hold its pipe."""
        unsaid = self.has_exited and not self.ended
        self.ended = self.ended or unsaid
        return unsaid

    @abstractmethod
    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a worker that is dead says so through the inbox."""

    @abstractmethod
    def kill(self, why: str | None = None) -> None:
        """End it at once."""

    @abstractmethod
    def close(self) -> None:
        """End it, and give back what it held."""

    @property
    @abstractmethod
    def has_exited(self) -> bool:
        """Whether it has ended, said or unsaid."""

    @abstractmethod
    def describe_exit(self) -> str:
        """Describe how it ended, in words, with the end of what it printed."""
