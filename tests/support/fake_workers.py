"""A scheduler of workers that are no processes: a test says what becomes of the jobs that they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.dispatch.devices import Slot
from harness.dispatch.executor import ExecutorSettings
from harness.dispatch.scheduler import Scheduler
from harness.dispatch.worker_handle import Inbox, WorkerHandle
from harness.spec.run_spec import ExecutionOptions


class FakeWorker(WorkerHandle):
    """A worker that notes which jobs it is given.

    Attributes:
        given: the jobs, as they were sent.
        closed: whether its driver has ended it.
        inbox: what it speaks into.
    """

    log = "its log"

    def __init__(self, slot: Slot, inbox: Inbox) -> None:
        super().__init__(slot)
        self.inbox = inbox
        self.given: list[Mapping[str, Any]] = []
        self.closed = False

    def say(self, message: Mapping[str, Any] | None) -> None:
        """Have it say something; None is its end."""
        self.inbox.put((self, None if message is None else dict(message)))

    def send(self, message: Mapping[str, Any]) -> None:
        if message["do"] == "job":
            self.given.append(message["job"])

    def kill(self, why: str | None = None) -> None:
        self.killed_for = self.killed_for or why

    def close(self) -> None:
        self.closed = True

    @property
    def has_exited(self) -> bool:
        return False

    def describe_exit(self) -> str:
        return "it ended"


class FakeScheduler(Scheduler):
    """Hands at the slots ``there``, which may change.

    Attributes:
        begun: all that were started.
    """

    def __init__(self, there: Sequence[Slot], prefetch: bool = False) -> None:
        super().__init__(ExecutorSettings(store="/nowhere", logs=Path("/nowhere"), options=ExecutionOptions(prefetch=prefetch)))
        self.there = list(there)
        self.begun: list[FakeWorker] = []

    def slots(self) -> Sequence[Slot]:
        return self.there

    def begin(self, slot: Slot, inbox: Inbox) -> WorkerHandle:
        hand = self.hand(slot, inbox)
        self.begun.append(hand)
        return hand

    def hand(self, slot: Slot, inbox: Inbox) -> FakeWorker:
        return FakeWorker(slot, inbox)


def slots(*names: str) -> list[Slot]:
    """Slots of these names."""
    return [Slot(name, "cpu", {}) for name in names]
