"""Does jobs in this process: for debuggers and notebooks. It cannot enforce a time limit, nor survive a crash.

Runs in several threads take turns, job by job.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

from harness.api.turns import TURN
from harness.dispatch.devices import make_slots
from harness.dispatch.events import Event
from harness.dispatch.executor import ExecutorSettings, drop_columns
from harness.planning.facts import Unavailable
from harness.planning.jobs import Job
from harness.registry.registry import Registry
from harness.store.store import Store
from harness.text_format import format_reason, format_traceback
from harness.worker.arithmetic import set_plain_fp32
from harness.worker.component_cache import ComponentCache
from harness.worker.dataset_inspection import ReadingCounter
from harness.worker.inspection import answer_request
from harness.worker.job_runner import JobRunner
from harness.worker.trained_models import TrainedModels


class InlineExecutor:
    """Jobs in this process, on the first of the devices: for debuggers and notebooks."""

    def __init__(self, settings: ExecutorSettings, registry: Registry) -> None:
        with TURN:
            set_plain_fp32()
            device = make_slots(settings.options.devices, 1)[0].name
            components, store = ComponentCache(registry, device, settings.batch, settings.input_files), Store(settings.store)
            self._trained = TrainedModels(components, lambda: store, lambda done, of: self._told(done, of), on_demand=False)
            self._runner = JobRunner(components, store)
        self._jobs: deque[Job] = deque()
        self._told: Callable[[int, int], object] = lambda done, of: None
        self._watch: Callable[[Mapping[str, Any], Mapping[str, float]], object] = lambda request, entry: None

    def listen(self, counted: Callable[[int, int], object]) -> None:
        """Have somebody told how many samples of how many are read, while planning waits for a data set."""
        self._told = counted

    def watch(self, trained: Callable[[Mapping[str, Any], Mapping[str, float]], object]) -> None:
        """Have somebody told of each epoch of each training that is asked for."""
        self._watch = trained

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Answered here."""
        try:
            with TURN:
                if request["ask"] == "train":
                    self._trained.tell_epoch = lambda entry: self._watch(request, entry)
                    return self._trained.answer(request)
                return answer_request(self._runner.components, request, ReadingCounter(self._told))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise Unavailable(format_reason(error), format_traceback(error)) from error

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs."""
        self._jobs.extend(jobs)

    def events(self) -> Iterator[Event]:
        """Do the jobs one after the other; their events come when each is done."""
        while self._jobs:
            told: list[Event] = []
            with TURN:
                self._runner.run(self._jobs.popleft(), told.append)
            yield from told

    def cancel(self, columns: Set[str]) -> None:
        """Drop columns from the queue."""
        self._jobs = deque(left for job in self._jobs if (left := drop_columns(job, columns)) is not None)

    def stop(self) -> None:
        """Forget the queue."""
        self._jobs.clear()
