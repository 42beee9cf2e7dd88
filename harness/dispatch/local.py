"""Does jobs in worker processes on this machine."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from harness.dispatch.devices import Slot, make_slots
from harness.dispatch.executor import ExecutorSettings
from harness.dispatch.scheduler import Scheduler
from harness.dispatch.worker_handle import Inbox, WorkerHandle
from harness.dispatch.worker_process import WorkerProcess


class LocalExecutor(Scheduler):
    """One process per device, or as many as suit the cores."""

    def __init__(self, settings: ExecutorSettings, registry: object = None) -> None:
        super().__init__(settings)
        self._slots = make_slots(settings.options.devices, settings.options.workers)
        self._numbers = itertools.count()

    def slots(self) -> Sequence[Slot]:
        """Those of the devices."""
        return self._slots

    def begin(self, slot: Slot, inbox: Inbox) -> WorkerHandle:
        """A process, fixed to the slot's device."""
        return WorkerProcess(slot, next(self._numbers), self.settings, inbox)
