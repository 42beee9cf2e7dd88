"""Does one job: explain its rows once, then score them with each missing metric, committing as it goes."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import torch

from harness.dispatch.events import Emit, Event, JobFinished, Noted, StoreDamaged
from harness.planning.facts import FORGOTTEN
from harness.planning.jobs import Job, SubjectRows
from harness.results.data_model import Status
from harness.store.store import Store, StoreError
from harness.text_format import format_reason
from harness.worker.accelerators import release_unused_memory
from harness.worker.arithmetic import Arithmetic
from harness.worker.component_cache import ComponentCache
from harness.worker.device_usage import busy_samples, measure_usage
from harness.worker.inspection import check_applicability
from harness.worker.job_context import JobContext
from harness.worker.job_explaining import explain
from harness.worker.job_inputs import JobInputs
from harness.worker.job_report import JobReport, failure_state
from harness.worker.job_scoring import score_explanation
from harness.worker.mutation_guard import caused_mutation
from harness.worker.pass_counter import PROCESS_COUNT, count_passes_within
from harness.worker.prefetching import Prefetcher
from harness.worker.result_writer import ResultWriter
from harness.worker.shared_values import SharedValues
from harness.worker.timing import TIMELINE, span


@dataclass
class JobRunner:
    """Runs jobs on one device.

    Attributes:
        components: what is loaded.
        store: where results go.
        apart: whether this process is the jobs' own, so that an interrupt can only be a component's.
        prefetcher: reads the rows of a next job, or None.
    """

    components: ComponentCache
    store: Store
    apart: bool = False
    prefetcher: Prefetcher | None = None

    def __post_init__(self) -> None:
        self._inputs = JobInputs(self.components, self.store, self.prefetcher)
        self._writer = ResultWriter()
        self._shared = SharedValues()
        self._worker = f"{platform.node()} {os.getpid()}"
        self._reported = 0
        self._idle: float | None = None

    def run(self, job: Job, emit: Emit, following: SubjectRows | None = None) -> None:
        """Do the job. Exceptions of components, datasets, models and of the store become ``failed`` events.

        The rows of the ``following`` job, as far as it is known, are read meanwhile.

        ``committed`` is said of what is durable, and ``finished`` when all is that the job made; until then the next is not begun.
        """
        waited = 0.0 if self._idle is None else time.perf_counter() - self._idle
        started, processor, before = time.perf_counter(), time.process_time(), PROCESS_COUNT.total

        def tell(event: Event) -> None:
            emit(replace(event, passes=PROCESS_COUNT.total - before, worker=self._worker))

        device, name = self.components.device, f"{job.explainer} ({job.id})"
        with count_passes_within() as passes, TIMELINE.job(name, job.traced) as times, busy_samples(device) as shares:
            try:
                self._do(job, JobReport(job, tell, self._writer), following)
            finally:
                self._writer.flush()
                with span("store", "gather"):
                    self.store.gather(job.key)
        if len(self.store.damaged) > self._reported:
            tell(StoreDamaged(job=job.id, files=self.store.damaged[self._reported :]))
            self._reported = len(self.store.damaged)
        for note in self.components.take_notes():
            tell(Noted(job=job.id, reason=note))
        seconds = time.perf_counter() - started
        usage = measure_usage(device, shares, passes.seconds, seconds)
        release_unused_memory(device)  # another process may need it, and the next job other blocks of it
        tell(
            JobFinished(
                job=job.id,
                forward=passes.forward,
                backward=passes.backward,
                model_seconds=passes.seconds,
                seconds=seconds,
                processor_seconds=time.process_time() - processor,
                device=device.type,
                usage=usage,
                phases={**times.own, "wait": waited},
                traced=times.traced,
            )
        )
        self._idle = time.perf_counter()

    def _do(self, job: Job, report: JobReport, following: SubjectRows | None) -> None:
        """Load the model and prepare the rows, explain them, and score the explanation with one metric after the other."""
        subject, components = job.subject, self.components
        report.begin("load", subject.model)
        try:
            with span("load", subject.model):
                components.compute_in(Arithmetic(subject.precision, subject.compiled))
                model = components.subject(subject)
            with span("inputs", subject.dataset):
                samples, targets = self._inputs.of(subject, job.rows, model, lambda: report.begin("predict", subject.model))
        except BaseException as error:
            self._fail(report, report.columns, error, "blocked")
            return
        with span("inputs", "ask for the next"), contextlib.suppress(Exception):  # no job depends on what is read beside it
            self._inputs.prefetch_rows(following)

        if job.predicts_only:
            report.commit(job.key, subject.model, _nothing_more)
            return

        report.begin("load", job.explainer, job.key)
        try:
            if job.variant.kind != "oracle":
                with span("load", job.explainer):
                    check_applicability(components, subject.model_recipe, job.recipe)
            report.begin("explain", job.explainer, job.key)
            with span("explain", job.explainer):
                work, attribution, write = explain(JobContext(job, components, self.store, samples, targets, self._shared))
        except BaseException as error:
            self._fail(report, report.columns, error)
            return
        report.commit(job.key, job.explainer, write)

        shared: dict[Hashable, object] = {}
        for task in job.metrics:
            report.begin("load", task.label, task.key)
            try:
                with span("load", task.label):
                    components.metric(task.recipe)
                report.begin("score", task.label, task.key)
                with span("score", task.label):
                    write = score_explanation(work, attribution, task, shared)
            except BaseException as error:
                self._fail(report, [task.key], error)
            else:
                report.commit(task.key, task.label, write)

    def _fail(self, report: JobReport, columns: Sequence[str], error: BaseException, state: Status | None = None) -> None:
        """Tell of a failure, and forget what it leaves unfit for use."""
        if isinstance(error, KeyboardInterrupt) and not self.apart:
            raise error
        if caused_mutation(error):
            self.components.forget_models(report.job.subject.model_recipe)
            self._inputs.forget()
        for fact in getattr(error, "facts", ()):  # what does not hold any more is found out again by the next run
            with contextlib.suppress(StoreError):
                self.store.remember(fact, FORGOTTEN)
        state, reason = state or failure_state(error), format_reason(error)
        if state == "out-of-memory":
            reason = f"one sample at a time needs more memory than {self._memory()}: {reason}"
            self._shared.clear()
            gc.collect()
            release_unused_memory(self.components.device)
        report.fail(columns, error, state, reason)

    def _memory(self) -> str:
        """What the device has."""
        device = self.components.device
        if device.type != "cuda":
            return f"{device.type} has"
        free, whole = torch.cuda.mem_get_info(device)
        return f"{device.type} has ({free / 2**30:.1f} of {whole / 2**30:.1f} GiB are free)"


def _nothing_more() -> None:
    """Predictions are written where they are made."""
