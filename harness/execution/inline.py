"""Does jobs in this process: for debuggers and notebooks. It cannot enforce a time limit, nor survive a crash."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from harness.execution.arithmetic import plain_fp32
from harness.execution.devices import slots
from harness.execution.events import Event, reason_of, traceback_of
from harness.execution.executor import Settings, without
from harness.execution.requests import answer
from harness.execution.work import Bench
from harness.execution.workbench import Workbench
from harness.planning.inspector import Unavailable
from harness.planning.jobs import Job
from harness.registry.registry import Registry
from harness.store.store import Store


class InlineExecutor:
    """Implements `harness.execution.executor.Executor` on the first of the devices."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        plain_fp32()
        self._bench = Bench(Workbench(registry, slots(settings.devices, 1)[0].name, settings.batch), Store(settings.store))
        self._jobs: deque[Job] = deque()

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Answered here."""
        try:
            return answer(self._bench.workbench, request)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise Unavailable(reason_of(error), traceback_of(error)) from error

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs."""
        self._jobs.extend(jobs)

    def events(self) -> Iterator[Event]:
        """Do the jobs one after the other; their events come when each is done."""
        while self._jobs:
            told: list[Event] = []
            self._bench.run(self._jobs.popleft(), told.append)
            yield from told

    def cancel(self, columns: Set[str]) -> None:
        """Drop columns from the queue."""
        self._jobs = deque(left for job in self._jobs if (left := without(job, columns)) is not None)

    def stop(self) -> None:
        """Forget the queue."""
        self._jobs.clear()
