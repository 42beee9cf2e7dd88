"""Worker processes of this machine, and the executor that does jobs in them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from harness.dispatch.device_sharing import DeviceSharing
from harness.dispatch.devices import Slot, count_usable_cores, make_slots
from harness.dispatch.events import ColumnFailed, Event, JobFinished
from harness.dispatch.executor import ExecutorSettings
from harness.dispatch.scheduler import Scheduler
from harness.dispatch.worker_handle import Inbox, WorkerHandle
from harness.processes.child_process import ChildProcess
from harness.processes.forked_process import start_fork_server
from harness.text_format import to_printable_line

LOG_TAIL = 400  # characters of a worker's log that go into the reason of its end


class WorkerProcess(WorkerHandle):
    """Starts a worker as a process of this machine."""

    def __init__(self, slot: Slot, number: int, settings: ExecutorSettings, inbox: Inbox) -> None:
        super().__init__(slot)
        settings.logs.mkdir(parents=True, exist_ok=True)
        log = settings.logs / f"worker-{number}.log"
        self.log, self._inbox = str(log), inbox
        message = {"device": slot.device, "executor": settings.model_dump(mode="json")}
        self._process = ChildProcess("harness.worker.main", message, self._hear, environment=slot.environment, log=log)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a worker that is dead says so through the inbox."""
        self._process.send(message)

    def kill(self, why: str | None = None) -> None:
        """End it at once."""
        self.killed_for = self.killed_for or why
        self._process.kill(why)

    def close(self) -> None:
        """End it and reap it."""
        self._process.close()

    @property
    def has_exited(self) -> bool:
        """Whether the process has ended, though something that it left behind may hold its pipe open."""
        return self._process.has_exited

    def describe_exit(self) -> str:
        """Describe how it ended, in words, with the end of what it printed."""
        if self.killed_for not in (None, "timeout"):
            return f"the worker process was ended for {self.killed_for}"
        printed = to_printable_line(self._process.last_words()[-LOG_TAIL:])
        return f"the worker process ended ({self._process.describe_exit()})" + (f"; it printed: …{printed}" if printed else "")

    def _hear(self, process: ChildProcess, message: dict[str, Any] | None) -> None:
        """Pass on what the worker says; what is no event ends it."""
        if message is None:
            self.killed_for, self.ended = self.killed_for or process.killed_for, True
        elif "event" not in message:
            raise ValueError("no event")
        self._inbox.put((self, message))


class LocalExecutor(Scheduler):
    """Jobs in processes of this machine: one per device, or as many as suit its cores."""

    def __init__(self, settings: ExecutorSettings, registry: object = None) -> None:
        super().__init__(settings)
        options = settings.options
        slots = make_slots(options.devices, options.workers, options.workers_per_device)
        reads_ahead = any(settings.prefetches(slot.device) for slot in slots)
        grows = options.workers == options.workers_per_device == "auto"
        self._sharing = DeviceSharing(slots, count_usable_cores(), grows, reads_ahead)
        self._numbers = itertools.count()

    def slots(self) -> Sequence[Slot]:
        """Those of the devices."""
        return self._sharing.slots

    def expect(self, requests: Sequence[Mapping[str, Any]]) -> None:
        """Begin with what planning will ask: two workers are at it where there are two, at trainings as many as there are."""
        self._questions.expect(requests)

    def listen(self, counted: Callable[[int, int], object]) -> None:
        """Have somebody told how many samples of how many are read, while planning waits for a data set."""
        self._questions.counted = counted

    def watch(self, trained: Callable[[Mapping[str, Any], Mapping[str, float]], object]) -> None:
        """Have somebody told of each epoch of each training that is asked for."""
        self._questions.trained = trained

    def begin(self, slot: Slot, inbox: Inbox) -> WorkerHandle:
        """A process, fixed to the slot's device; what the first one imports is imported for all."""
        start_fork_server()
        worker = WorkerProcess(slot, next(self._numbers), self.settings, inbox)
        self._sharing.begun(worker, self.workers)
        return worker

    def resize(self, worker: WorkerHandle, event: Event) -> Iterable[Event]:
        """One more worker where a GPU idles, one less where its memory ran out."""
        if isinstance(event, JobFinished):
            return self._sharing.finished(worker, event, self.workers, self.count_waiting())
        if isinstance(event, ColumnFailed) and event.starved is not None:
            return self._sharing.lacked_memory(worker, event.job)
        return ()
