"""Tells what becomes of a job: what is begun, what is durable, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.dispatch.events import ColumnFailed, Emit, PhaseStarted, RowsCommitted
from harness.planning.jobs import Job
from harness.results.data_model import Status
from harness.store.store import StoreError
from harness.text_format import format_reason, format_traceback
from harness.worker.batching import OutOfMemory, is_out_of_memory
from harness.worker.contracts import ChangedSincePlanning
from harness.worker.result_writer import ResultWriter


@dataclass
class JobReport:
    """The events of one job; has its results written, and tells when they are. If its explanation cannot be kept, neither are its scores.

    Attributes:
        job: which one.
        emit: is told.
        writer: writes results.
    """

    job: Job
    emit: Emit
    writer: ResultWriter
    _failed: BaseException | None = None

    @property
    def columns(self) -> list[str]:
        """The explanation's, then the metrics'."""
        return [self.job.key, *(task.key for task in self.job.metrics)]

    def begin(self, what: Literal["load", "predict", "explain", "score"], component: str, column: str | None = None) -> None:
        """Something is about to be loaded or called, for a column unless it is the model or the data."""
        self.emit(PhaseStarted(job=self.job.id, what=what, component=component, column=column))

    def commit(self, column: str, label: str, write: Callable[[], object]) -> None:
        """Have a column's rows written."""

        def attempt() -> None:
            if self._failed is not None:
                raise self._failed
            write()

        def written(error: BaseException | None) -> None:
            if error is None:
                self.emit(RowsCommitted(job=self.job.id, column=column, rows=len(self.job.rows)))
                return
            if column == self.job.key:
                self._failed = error
            culprit = column if self._failed is None else self.job.key
            self.emit(self._failure(column, error, failure_state(error), format_reason(error), culprit))

        self.writer.put(label, attempt, written)

    def fail(self, columns: Sequence[str], error: BaseException, state: Status, reason: str) -> None:
        """Columns failed, the first of them by itself and the others with it."""
        for column in columns:
            event = self._failure(column, error, state, reason, columns[0])
            self.emit(replace(event, traceback=format_traceback(error)) if column == columns[0] else event)

    def _failure(self, column: str, error: BaseException, state: Status, reason: str, culprit: str) -> ColumnFailed:
        starved = culprit if _is_memory_error(error) else None
        return ColumnFailed(job=self.job.id, column=column, state=state, reason=reason, starved=starved)


def failure_state(error: BaseException) -> Status:
    """The state that a column ends in."""
    if isinstance(error, (StoreError, ChangedSincePlanning)):
        return "blocked"  # no fault of the component: nothing can be kept, or what it learns from is not what the run was planned with
    return "out-of-memory" if _is_memory_error(error) else "failed"


def _is_memory_error(error: BaseException) -> bool:
    return isinstance(error, OutOfMemory) or is_out_of_memory(error)
