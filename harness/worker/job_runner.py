"""Does one job: explain its rows once, then score them with each missing metric, committing as it goes."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from harness.dispatch.events import (
    ColumnFailed,
    ColumnState,
    Emit,
    Event,
    JobFinished,
    Noted,
    PhaseStarted,
    RowsCommitted,
    StoreDamaged,
)
from harness.planning.jobs import Job, SubjectRows
from harness.store.store import Store, StoreError
from harness.text_format import format_reason, format_traceback
from harness.worker.accelerators import release_unused_memory
from harness.worker.arithmetic import Arithmetic
from harness.worker.batching import OutOfMemory, is_out_of_memory
from harness.worker.component_cache import ChangedSincePlanning, ComponentCache
from harness.worker.inspection import check_applicability
from harness.worker.job_evaluator import JobEvaluator
from harness.worker.job_explainer import JobExplainer
from harness.worker.job_inputs import JobInputs
from harness.worker.mutation_guard import caused_mutation
from harness.worker.pass_counter import PROCESS_COUNT, count_passes_within
from harness.worker.prefetching import Prefetcher
from harness.worker.result_writer import ResultWriter, WriteTask
from harness.worker.timing import TIMELINE, span


@dataclass
class JobRunner:
    """Runs jobs on one device.

    Attributes:
        workbench: what is loaded.
        store: where results go.
        apart: whether this process is the jobs' own, so that an interrupt can only be a component's.
        prefetcher: reads the rows of a next job, or None.
    """

    workbench: ComponentCache
    store: Store
    apart: bool = False
    prefetcher: Prefetcher | None = None

    def __post_init__(self) -> None:
        self._inputs = JobInputs(self.workbench, self.store, self.prefetcher)
        self._explaining = JobExplainer(self.workbench, self.store)
        self._writer = ResultWriter()
        self._worker = f"{platform.node()} {os.getpid()}"
        self._reported = 0
        self._idle: float | None = None

    def run(self, job: Job, emit: Emit, following: SubjectRows | None = None) -> None:
        """Do the job. Exceptions of components, datasets, models and of the store become ``failed`` events.

        The rows of the ``following`` job, as far as it is known, are read meanwhile.

        ``committed`` is said of what is durable, and ``finished`` when all is that the job made; until then the next is not begun.
        """
        waited = 0.0 if self._idle is None else time.perf_counter() - self._idle
        started, before = time.perf_counter(), PROCESS_COUNT.total

        def tell(event: Event) -> None:
            emit(replace(event, passes=PROCESS_COUNT.total - before, worker=self._worker))

        with count_passes_within() as passes, TIMELINE.job(f"{job.explainer} ({job.id})", job.traced) as times:
            try:
                self._run(job, tell, following)
            finally:
                self.workbench.seen.clear()
                self._writer.flush()
                with span("store", "gather"):
                    self.store.gather(job.key)
        self._report_notes(job, tell)
        self._release_device_memory()
        tell(
            JobFinished(
                job=job.id,
                forward=passes.forward,
                backward=passes.backward,
                model_seconds=passes.seconds,
                seconds=time.perf_counter() - started,
                device=self.workbench.device.type,
                phases={**times.own, "wait": waited},
                traced=times.traced,
            )
        )
        self._idle = time.perf_counter()

    def _report_notes(self, job: Job, tell: Emit) -> None:
        """What was found damaged in the store, and what is worth saying of what was loaded."""
        if len(self.store.damaged) > self._reported:
            tell(StoreDamaged(job=job.id, files=self.store.damaged[self._reported :]))
            self._reported = len(self.store.damaged)
        while self.workbench.notes:
            tell(Noted(job=job.id, reason=self.workbench.notes.pop(0)))

    def _release_device_memory(self) -> None:
        """Give back what memory of the device the job left unused: another process may need it, and the next job other blocks of it."""
        release_unused_memory(self.workbench.device)

    def _run(self, job: Job, emit: Emit, following: SubjectRows | None) -> None:
        columns = [job.key, *(task.key for task in job.metrics)]
        subject = job.subject
        emit(PhaseStarted(job=job.id, what="load", component=subject.model))
        try:
            with span("load", subject.model):
                self.workbench.set_arithmetic(Arithmetic(subject.precision, subject.compiled))
                model = self.workbench.subject(subject)
            predicting = PhaseStarted(job=job.id, what="predict", component=subject.model)
            with span("inputs", subject.dataset):
                samples, targets = self._inputs.of(subject, job.rows, model, lambda: emit(predicting))
        except BaseException as error:
            self._fail(job, columns, "blocked", error, emit)
            return
        with span("inputs", "ask for the next"), contextlib.suppress(Exception):  # no job depends on what is read beside it
            self._inputs.prefetch_rows(following)
        emit(PhaseStarted(job=job.id, what="load", component=job.explainer, column=job.key))
        try:
            if job.variant.kind != "oracle":
                with span("load", job.explainer):
                    check_applicability(self.workbench, subject.model_recipe, job.recipe)
            emit(PhaseStarted(job=job.id, what="explain", component=job.explainer, column=job.key))
            with span("explain", job.explainer):
                defined = JobEvaluator(self._explaining, job, samples, targets)
                write = defined.explain(model)
        except BaseException as error:
            self._fail(job, columns, _failure_state(error), error, emit)
            return
        commits = JobCommits(self._writer, job, emit)
        commits.put(job.key, job.explainer, write)
        scoring = defined.scoring()
        for task in job.metrics:
            emit(PhaseStarted(job=job.id, what="load", component=task.label, column=task.key))
            try:
                with span("load", task.label):
                    self.workbench.metric(task.recipe)
                emit(PhaseStarted(job=job.id, what="score", component=task.label, column=task.key))
                with span("score", task.label):
                    write = defined.score(scoring, task)
            except BaseException as error:
                self._fail(job, [task.key], _failure_state(error), error, emit)
            else:
                commits.put(task.key, task.label, write)

    def _fail(self, job: Job, columns: Sequence[str], state: ColumnState, error: BaseException, emit: Emit) -> None:
        if isinstance(error, KeyboardInterrupt) and not self.apart:
            raise error
        if caused_mutation(error):
            self.workbench.forget_models(job.subject.model_recipe)
            self._inputs.forget()
        for fact in getattr(error, "facts", ()):  # what does not hold any more is found out again by the next run
            with contextlib.suppress(StoreError):
                self.store.remember(fact, None)
        reason = format_reason(error)
        if state == "out-of-memory":
            reason = f"one sample at a time needs more memory than {self._memory()}: {reason}"
            gc.collect()
            self._release_device_memory()
        for column in columns:
            event = _failed_event(job, column, state, error, reason, columns[0])
            emit(replace(event, traceback=format_traceback(error)) if column == columns[0] else event)

    def _memory(self) -> str:
        """What the device has."""
        device = self.workbench.device
        if device.type != "cuda":
            return f"{device.type} has"
        free, whole = torch.cuda.mem_get_info(device)
        return f"{device.type} has ({free / 2**30:.1f} of {whole / 2**30:.1f} GiB are free)"


@dataclass
class JobCommits:
    """Has the results of one job written, and tells when they are; where its explanation cannot be kept, neither are its scores."""

    writer: ResultWriter
    job: Job
    emit: Emit
    _failed: BaseException | None = None

    def put(self, column: str, label: str, write: Callable[[], object]) -> None:
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
            self.emit(_failed_event(self.job, column, _failure_state(error), error, format_reason(error), culprit))

        self.writer.put(WriteTask(label, attempt, written))


def _failed_event(job: Job, column: str, state: ColumnState, error: BaseException, reason: str, culprit: str) -> ColumnFailed:
    starved = culprit if _is_memory_error(error) else None
    return ColumnFailed(job=job.id, column=column, state=state, reason=reason, starved=starved)


def _failure_state(error: BaseException) -> ColumnState:
    if isinstance(error, (StoreError, ChangedSincePlanning)):
        return "blocked"  # no fault of the component: nothing can be kept, or what it learns from is not what the run was planned with
    return "out-of-memory" if _is_memory_error(error) else "failed"


def _is_memory_error(error: BaseException) -> bool:
    return isinstance(error, OutOfMemory) or is_out_of_memory(error)
