"""One worker as its driver sees it, wherever it is: what it is at, since when, and how it ended."""

from __future__ import annotations

import queue
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.execution.devices import Slot
from harness.planning.jobs import Job, Rows

Inbox = queue.Queue["tuple[Worker, dict[str, Any] | None]"]


@dataclass
class Assignment:
    """The job a worker is at: its phase, when that began, and the columns that are done or failed."""

    job: Job
    phase: dict[str, Any] = field(default_factory=lambda: {"what": "load"})
    since: float = field(default_factory=time.monotonic)
    settled: set[str] = field(default_factory=set)


class Worker(ABC):
    """Takes messages, and puts what it says into an inbox: itself with an event, or with None once it has ended.

    Attributes:
        slot: where it is.
        started: when it was (s, monotonic).
        ready: whether it has said that it can take jobs.
        assignment: the job it is at, or None.
        reserved: the job it will probably be at next, or None.
        loaded: the subject of its last job, which it need not load again.
        killed_for: why it was ended, or None.
        ended: whether it has said its last.
        lost: how its machine was lost and it with it, which is no fault of what it was at; None where it ended by itself.
        log: where what it prints is kept.
    """

    lost: str | None = None
    log: str

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.started = time.monotonic()
        self.ready = False
        self.assignment: Assignment | None = None
        self.reserved: Job | None = None
        self.loaded = ""
        self.killed_for: str | None = None
        self.ended = False

    def assign(self, job: Job) -> None:
        """Give it a job, and tell of the rows of the reserved one."""
        self.assignment = Assignment(job)
        self.loaded = job.subject.prediction_key
        following = None if self.reserved is None else Rows(self.reserved.subject, self.reserved.rows).to_json()
        self.send({"do": "job", "job": job.to_json(), "following": following})

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
    def gone(self) -> bool:
        """Whether it has ended without saying so."""

    @abstractmethod
    def death(self) -> str:
        """How it ended, in words, with the end of what it printed."""
