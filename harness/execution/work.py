"""Does one job: explain its rows once, then score them with each missing metric, committing as it goes."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from harness.execution.accelerators import give_back
from harness.execution.arithmetic import Arithmetic
from harness.execution.batching import OutOfMemory, is_out_of_memory
from harness.execution.defined import Defined
from harness.execution.events import Emit, Event, State, reason_of, traceback_of
from harness.execution.explaining import Explaining
from harness.execution.guard import left_changed
from harness.execution.inputs import Inputs
from harness.execution.inspection import verdict
from harness.execution.passes import COUNT, since
from harness.execution.prefetching import Prefetcher
from harness.execution.timing import TIMELINE, span
from harness.execution.workbench import Altered, Workbench
from harness.execution.writing import Task, Writer
from harness.planning.jobs import Job, Rows
from harness.store.store import Store, StoreError


@dataclass
class Bench:
    """Runs jobs on one device.

    Attributes:
        workbench: what is loaded.
        store: where results go.
        apart: whether this process is the jobs' own, so that an interrupt can only be a component's.
        prefetcher: reads the rows of a next job, or None.
    """

    workbench: Workbench
    store: Store
    apart: bool = False
    prefetcher: Prefetcher | None = None

    def __post_init__(self) -> None:
        self._inputs = Inputs(self.workbench, self.store, self.prefetcher)
        self._explaining = Explaining(self.workbench, self.store)
        self._writer = Writer()
        self._worker = f"{platform.node()} {os.getpid()}"
        self._reported = 0
        self._idle: float | None = None

    def run(self, job: Job, emit: Emit, following: Rows | None = None) -> None:
        """Do the job. Exceptions of components, datasets, models and of the store become ``failed`` events.

        The rows of the ``following`` job, as far as it is known, are read meanwhile.

        ``committed`` is said of what is durable, and ``finished`` when all is that the job made; until then the next is not begun.
        """
        waited = 0.0 if self._idle is None else time.perf_counter() - self._idle
        started, before = time.perf_counter(), COUNT.total

        def tell(event: Event) -> None:
            emit({**event, "passes": COUNT.total - before, "worker": self._worker})

        with since() as passes, TIMELINE.job(f"{job.explainer} ({job.id})", job.traced) as times:
            try:
                self._run(job, tell, following)
            finally:
                self.workbench.seen.clear()
                self._writer.flush()
                with span("store", "gather"):
                    self.store.gather(job.key)
        self._tell_of_surroundings(job, tell)
        self._release()
        finished: Event = {"event": "finished", "job": job.id, "forward": passes.forward, "backward": passes.backward}
        finished["model_seconds"], finished["seconds"] = passes.seconds, time.perf_counter() - started
        finished["device"], finished["phases"] = self.workbench.device.type, {**times.own, "wait": waited}
        if times.traced is not None:
            finished["traced"] = times.traced
        tell(finished)
        self._idle = time.perf_counter()

    def _tell_of_surroundings(self, job: Job, tell: Emit) -> None:
        """What was found damaged in the store, and what is worth saying of what was loaded."""
        if len(self.store.damaged) > self._reported:
            tell({"event": "damaged", "job": job.id, "files": self.store.damaged[self._reported :]})
            self._reported = len(self.store.damaged)
        while self.workbench.notes:
            tell({"event": "noted", "job": job.id, "reason": self.workbench.notes.pop(0)})

    def _release(self) -> None:
        """Give back what memory of the device the job left unused: another process may need it, and the next job other blocks of it."""
        give_back(self.workbench.device)

    def _run(self, job: Job, emit: Emit, following: Rows | None) -> None:
        columns = [job.key, *(task.key for task in job.metrics)]
        subject = job.subject
        emit({"event": "phase", "job": job.id, "what": "load", "component": subject.model})
        try:
            with span("load", subject.model):
                self.workbench.adopt(Arithmetic(subject.precision, subject.compiled))
                model = self.workbench.subject(subject)
            predicting: Event = {"event": "phase", "job": job.id, "what": "predict", "component": subject.model}
            with span("inputs", subject.dataset):
                samples, targets = self._inputs.of(subject, job.rows, model, lambda: emit(predicting))
        except BaseException as error:
            self._fail(job, columns, "blocked", error, emit)
            return
        with span("inputs", "ask for the next"), contextlib.suppress(Exception):  # no job depends on what is read beside it
            self._inputs.expect(following)
        emit({"event": "phase", "job": job.id, "what": "load", "component": job.explainer, "column": job.key})
        try:
            if not job.oracle:
                with span("load", job.explainer):
                    verdict(self.workbench, subject.model_recipe, job.recipe)
            emit({"event": "phase", "job": job.id, "what": "explain", "component": job.explainer, "column": job.key})
            with span("explain", job.explainer):
                defined = Defined(self._explaining, job, samples, targets)
                write = defined.explain(model)
        except BaseException as error:
            self._fail(job, columns, _state(error), error, emit)
            return
        commits = Commits(self._writer, job, emit)
        commits.put(job.key, job.explainer, write)
        scoring = defined.scoring()
        for task in job.metrics:
            emit({"event": "phase", "job": job.id, "what": "load", "component": task.label, "column": task.key})
            try:
                with span("load", task.label):
                    self.workbench.metric(task.recipe)
                emit({"event": "phase", "job": job.id, "what": "score", "component": task.label, "column": task.key})
                with span("score", task.label):
                    write = defined.score(scoring, task)
            except BaseException as error:
                self._fail(job, [task.key], _state(error), error, emit)
            else:
                commits.put(task.key, task.label, write)

    def _fail(self, job: Job, columns: Sequence[str], state: State, error: BaseException, emit: Emit) -> None:
        if isinstance(error, KeyboardInterrupt) and not self.apart:
            raise error
        if left_changed(error):
            self.workbench.forget_models(job.subject.model_recipe)
            self._inputs.forget()
        for fact in getattr(error, "facts", ()):  # what does not hold any more is found out again by the next run
            with contextlib.suppress(StoreError):
                self.store.remember(fact, None)
        reason = reason_of(error)
        if state == "out-of-memory":
            reason = f"one sample at a time needs more memory than {self._memory()}: {reason}"
            gc.collect()
            self._release()
        for column in columns:
            event = _failed(job, column, state, error, reason, columns[0])
            emit({**event, "traceback": traceback_of(error)} if column == columns[0] else event)

    def _memory(self) -> str:
        """What the device has."""
        device = self.workbench.device
        if device.type != "cuda":
            return f"{device.type} has"
        free, whole = torch.cuda.mem_get_info(device)
        return f"{device.type} has ({free / 2**30:.1f} of {whole / 2**30:.1f} GiB are free)"


@dataclass
class Commits:
    """Has the results of one job written, and tells when they are; where its explanation cannot be kept, neither are its scores."""

    writer: Writer
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
                self.emit({"event": "committed", "job": self.job.id, "column": column, "rows": len(self.job.rows)})
                return
            if column == self.job.key:
                self._failed = error
            culprit = column if self._failed is None else self.job.key
            self.emit(_failed(self.job, column, _state(error), error, reason_of(error), culprit))

        self.writer.put(Task(label, attempt, written))


def _failed(job: Job, column: str, state: State, error: BaseException, reason: str, culprit: str) -> Event:
    event: Event = {"event": "failed", "job": job.id, "column": column, "state": state, "reason": reason}
    return {**event, "starved": culprit} if _starved(error) else event


def _state(error: BaseException) -> State:
    if isinstance(error, (StoreError, Altered)):
        return "blocked"  # no fault of the component: nothing can be kept, or what it learns from is not what the run was planned with
    return "out-of-memory" if _starved(error) else "failed"


def _starved(error: BaseException) -> bool:
    return isinstance(error, OutOfMemory) or is_out_of_memory(error)
