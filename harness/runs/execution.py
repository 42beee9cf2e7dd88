"""Execution of a run: plan it, have its missing work done, and tell all who listen of each event."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from harness.dispatch.events import ColumnFailed, Event
from harness.dispatch.executor import ExecutorError
from harness.planning.jobs import Job
from harness.planning.plan import Plan
from harness.planning.sharding import plan_jobs
from harness.registry.hook_runner import HookRunner
from harness.runs.column_notifier import ColumnNotifier
from harness.runs.event_files import Journal, TraceWriter
from harness.runs.failures import FailureLog
from harness.runs.outcome import Outcome
from harness.runs.plan_report import preflight_lines
from harness.runs.progress import ProgressReporter
from harness.runs.signals import ignore_signals, signal_number
from harness.runs.startup import StartupTimes
from harness.runs.training import StageReporter
from harness.runs.work_counter import WorkCounter
from harness.store.atomic import write_atomically
from harness.store.errors import wrap_write_errors
from harness.store.store import Store

if TYPE_CHECKING:
    from harness.runs.conclusion import FinishedRun
    from harness.runs.run import Run


class Stopwatch:
    """Times the parts of a run.

    Attributes:
        started: when it began (s, monotonic).
        seconds: by part.
    """

    def __init__(self) -> None:
        self.started = self._last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def lap(self, part: str) -> None:
        """Count the time since the last part ended as this one's."""
        now = time.monotonic()
        self.seconds[part], self._last = now - self._last, now

    @property
    def total(self) -> float:
        """Seconds of all parts that have ended."""
        return sum(self.seconds.values())


@dataclass
class Execution:
    """A run's plan, and what was heard while it was executed."""

    plan: Plan
    work: WorkCounter
    outcome: Outcome
    failures: FailureLog
    notifier: ColumnNotifier
    hooks: HookRunner
    clock: Stopwatch
    startup: StartupTimes


def execute_run(run: Run, progress: ProgressReporter) -> FinishedRun:
    """Compute what is missing, and write the run folder, after an interrupt too: what is committed is kept."""
    clock, hooks = Stopwatch(), HookRunner.discover()
    with wrap_write_errors(run.folder, "the run folder"):
        journal = Journal(run.folder / "journal.jsonl")
    with journal:
        with wrap_write_errors(run.folder, "the run folder"):
            write_atomically(run.folder / "spec.yaml", run.loaded.to_yaml().encode())
        hooks.call("run_started", spec=run.loaded.spec.model_dump(mode="json"), out=str(run.folder))
        journal.write({"event": "run", "name": run.loaded.spec.name})
        with progress:
            try:
                execution = _plan_and_work(run, journal, progress, hooks, clock)
            finally:
                with ignore_signals():
                    run.executor.stop()
        clock.lap("computing")
        journal.write({"event": "startup", **execution.startup.to_json()})
        journal.write({"event": "end", "interrupted": execution.outcome.interrupted})
        if journal.lacking is not None:
            execution.outcome.problems.append(journal.lacking)
        with ignore_signals(), wrap_write_errors(run.folder, "the run folder"):
            from harness.runs.conclusion import conclude

            return conclude(run, execution)


def _plan_and_work(run: Run, journal: Journal, progress: ProgressReporter, hooks: HookRunner, clock: Stopwatch) -> Execution:
    failures = FailureLog(run.folder, progress.say)
    startup = StartupTimes()
    lacking = run.trainings(progress.stage, failures.refused, startup)
    failed = run.train(lacking, StageReporter(progress.stage, progress.say), failures.refused)
    clock.lap("training")
    run.predict(progress.stage, failures.refused, startup, failed)
    plan = run.plan(progress.stage, failures.refused, startup, failed, predicted=True)
    clock.lap("planning")
    failures.begin(plan)
    for line in preflight_lines(plan, run.registry):
        progress.say(line)
    jobs = _missing_jobs(run, plan)
    work = WorkCounter(jobs)
    execution = Execution(plan, work, Outcome(), failures, ColumnNotifier(plan, hooks, work), hooks, clock, startup)
    progress.begin(work)
    trace = TraceWriter(run.folder / "trace.json") if run.profile else None
    heard_by = [startup.hear, execution.outcome.hear, work.hear, progress.hear, execution.notifier.hear, *([trace.hear] if trace else [])]
    with trace or contextlib.nullcontext():
        _work(run, jobs, [*heard_by, journal.hear, failures.hear], execution.outcome)
    if trace is not None and trace.lacking is not None:
        execution.outcome.problems.append(trace.lacking)
    return execution


def _missing_jobs(run: Run, plan: Plan) -> list[Job]:
    """The jobs of what is missing; the store is told what its columns are before anything is in them."""
    spec = run.loaded.spec
    jobs = plan_jobs(plan, spec.execution.shard, spec.store.kept_maps, spec.store.dtype)
    _describe_columns(run.store, plan, {job.key for job in jobs})
    return [replace(job, traced=True) for job in jobs] if run.profile else jobs


def _work(run: Run, jobs: Sequence[Job], listeners: Sequence[Callable[[Event], None]], outcome: Outcome) -> None:
    """Have the jobs done; what ends that before all of them are is noted in ``outcome``."""
    run.executor.submit(jobs)
    if jobs and hasattr(run.executor, "workers"):  # what the end takes is imported beside the work, but not beside components' code
        threading.Thread(target=import_module, args=("harness.runs.conclusion",), daemon=True).start()
    try:
        for event in run.executor.events():
            for hear in listeners:
                hear(event)
            if isinstance(event, ColumnFailed):
                run.executor.cancel({event.column})
    except KeyboardInterrupt as interrupt:
        outcome.stopped, outcome.signal = "the run was interrupted", signal_number(interrupt)
    except ExecutorError as error:
        outcome.stopped = str(error)


def _describe_columns(store: Store, plan: Plan, keys: set[str]) -> None:
    """Say in the store what its columns are."""
    for group in plan.everything:
        if group.subject is not None and any(column.key in keys for column in group.columns):
            for key in group.subject.prediction_keys:
                store.describe(key, {"component": "(predictions)", "label": group.model.label, "scores": {}})
        for column in group.columns:
            if column.key in keys:
                scores = {score.key: score.recipe.name for score in column.scores if score.reason is None}
                store.describe(column.key, {"component": column.recipe.name, "label": column.label, "scores": scores})
