"""One run: load the spec, plan, execute what is missing, collect, rank, write the run folder."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.dispatch.events import ColumnFailed, PhaseStarted, event_to_json
from harness.dispatch.executor import Executor, ExecutorError, ExecutorSettings
from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.render import formats_with
from harness.leaderboard.sections.all_sections import View
from harness.planning.inspector import Unavailable
from harness.planning.jobs import Subject
from harness.planning.plan import Plan, Planner, count_kept_maps
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.sharding import plan_jobs
from harness.registry.binding import bind_executor
from harness.registry.hook_runner import HookRunner
from harness.registry.registry import Registry
from harness.results.data_model import Results
from harness.results.document import Leaderboard
from harness.results.run_folder import write_leaderboard, write_results
from harness.runs.column_notifier import ColumnNotifier
from harness.runs.failures import FailureLog
from harness.runs.journal import Journal
from harness.runs.map_columns import write_map_columns
from harness.runs.outcome import Outcome
from harness.runs.planning_progress import report_requests
from harness.runs.preflight import preflight_lines
from harness.runs.progress import ProgressReporter, SilentReporter
from harness.runs.provenance import collect_provenance
from harness.runs.result_collection import collect_results
from harness.runs.signals import ignore_signals, signal_number
from harness.runs.trace_writer import TraceWriter
from harness.spec.loaded_spec import LoadedSpec
from harness.store.address import DEFAULT_ADDRESS
from harness.store.atomic import write_atomically
from harness.store.errors import wrap_write_errors
from harness.store.store import Store

BUILTIN_EXECUTORS = {"local": "harness.dispatch.local:LocalExecutor", "inline": "harness.worker.inline:InlineExecutor"}


def _ignore(*said: object) -> None:
    """Say nothing."""


class Stopwatch:
    """How long each part of a run took.

    Attributes:
        seconds: by part.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, part: str) -> None:
        """What went on until now since the last part ended was this."""
        now = time.monotonic()
        self.seconds[part], self._last = now - self._last, now

    @property
    def total(self) -> float:
        """Of all parts that have ended."""
        return sum(self.seconds.values())


@dataclass
class FinishedRun:
    """What a run leaves.

    Attributes:
        folder: the run folder.
        leaderboard: the document of ``leaderboard.json``.
        results: per-sample scores with their states.
        outcome: what this run did.
        summary: totals of passes and time.
        failures: what failed, by component.
        seconds: that planning, computing and the leaderboard took.
        problems: what hooks and the store reported.
    """

    folder: Path
    leaderboard: Leaderboard
    results: Results
    outcome: Outcome
    summary: Mapping[str, Any]
    failures: FailureLog
    seconds: Mapping[str, float]
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every cell that could be computed was."""
        fine = ("ok", "not-applicable")
        return all(cell.status in fine for group in self.results.everything for cell in group.cells.values())


@dataclass
class Run:
    """A run that can be planned and executed.

    Attributes:
        loaded: the spec.
        registry: the components.
        out: the run folder; ``runs/<name>`` where none is given.
        address: the store's path or URL; the spec's, ``HARNESS_STORE`` or ``.harness`` where none is given.
        limit: only the first samples of each dataset.
        plugins: files given with ``--plugin``.
        fresh: use a store of this run's own, so that everything is computed.
        profile: write a trace into the run folder (``trace.json``).
    """

    loaded: LoadedSpec
    registry: Registry
    out: Path | None = None
    address: Path | str | None = None
    limit: int | None = None
    plugins: Sequence[Path] = ()
    fresh: bool = False
    profile: bool = False

    def __post_init__(self) -> None:
        self.folder = self.out or Path("runs") / _folder_name(self.loaded.spec.name)
        self.store = Store(self._address())
        self.executor = self._executor()

    def _address(self) -> Path | str:
        if self.fresh:
            return self.folder / "store" / f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(4)}"
        return self.address or default_store_address(self.loaded)

    def _executor(self) -> Executor:
        execution = self.loaded.spec.execution
        settings = ExecutorSettings(
            store=self.store.address,
            logs=self.folder / "workers",
            plugins=self.plugins,
            devices=execution.devices,
            workers=execution.workers,
            batch=None if execution.batch == "auto" else execution.batch,
            timeout=execution.timeout,
            startup_timeout=execution.startup_timeout,
            prefetch=execution.prefetch,
        )
        target = BUILTIN_EXECUTORS.get(execution.executor)
        if target is None:
            component = self.registry.load(self.registry.card("executors", execution.executor))
            made: Any = bind_executor(component, execution.model_extra or {})
        else:
            module, _, attribute = target.partition(":")
            made = getattr(importlib.import_module(module), attribute)
        executor: Executor = made(settings, self.registry)
        return executor

    def plan(self, say: Callable[[str], None] = _ignore, refused: Callable[[str, Unavailable], None] = _ignore) -> Plan:
        """What there is to compute; asks a worker only for what is not remembered, and says what that worker does."""
        ask = report_requests(self.executor.ask, say, refused, begun=self.loaded.spec.execution.executor == "inline")
        return Planner(self.loaded, self.registry, self.store, RememberedFacts(self.store, ask), self.limit).plan()

    def execute(self, progress: ProgressReporter | None = None) -> FinishedRun:
        """Compute what is missing, and write the run folder, after an interrupt too: what is committed is kept."""
        progress = progress or SilentReporter()
        clock, outcome, hooks = Stopwatch(), Outcome(), HookRunner.discover()
        with wrap_write_errors(self.folder, "the run folder"):
            journal = Journal(self.folder / "journal.jsonl")
        with journal:
            with wrap_write_errors(self.folder, "the run folder"):
                write_atomically(self.folder / "spec.yaml", self.loaded.to_yaml().encode())
            hooks.call("run_started", spec=self.loaded.spec.model_dump(mode="json"), out=str(self.folder))
            journal.write({"event": "run", "name": self.loaded.spec.name})
            failures = FailureLog(self.folder)
            with progress:
                try:
                    plan = self.plan(progress.stage, failures.refused)
                    clock.lap("planning")
                    failures.begin(plan)
                    for line in preflight_lines(plan, self.registry):
                        progress.say(line)
                    announcer = ColumnNotifier(plan, hooks)
                    self._work(plan, outcome, journal, progress, announcer, failures)
                finally:
                    with ignore_signals():
                        self.executor.stop()
            clock.lap("computing")
            journal.write({"event": "end", "interrupted": outcome.interrupted})
            if journal.lacking is not None:
                outcome.problems.append(journal.lacking)
            with ignore_signals(), wrap_write_errors(self.folder, "the run folder"):
                return self._conclude(plan, outcome, hooks, announcer, failures, clock)

    def _work(
        self, plan: Plan, outcome: Outcome, journal: Journal, progress: ProgressReporter, announcer: ColumnNotifier, failures: FailureLog
    ) -> None:
        spec = self.loaded.spec
        work = plan_jobs(plan, spec.execution.shard, count_kept_maps(spec.store.attributions), spec.store.dtype)
        work = [replace(job, traced=True) for job in work] if self.profile else work
        self._describe(plan, {job.key for job in work})
        progress.begin(work)
        announcer.begin(work)
        self.executor.submit(work)
        trace = TraceWriter(self.folder / "trace.json") if self.profile else None
        listeners = [outcome.hear, progress.hear, announcer.hear, *([] if trace is None else [trace.hear])]
        try:
            with trace or contextlib.nullcontext():
                for event in self.executor.events():
                    for hear in listeners:
                        hear(event)
                    if not isinstance(event, PhaseStarted):
                        journal.write(event_to_json(event, without={"traced", "traceback"}))
                    if isinstance(event, ColumnFailed):
                        self.executor.cancel({event.column})
                    if (line := failures.hear(event)) is not None:
                        progress.say(line)
        except KeyboardInterrupt as interrupt:
            outcome.stopped = "the run was interrupted"
            outcome.interrupted = True
            outcome.signal = signal_number(interrupt)
        except ExecutorError as error:
            outcome.stopped = str(error)
        if trace is not None and trace.lacking is not None:
            outcome.problems.append(trace.lacking)

    def _describe(self, plan: Plan, keys: set[str]) -> None:
        """Say in the store what its columns are, before anything is in them."""
        for group in plan.everything:
            if group.subject is not None and any(column.key in keys for column in group.columns):
                for key in prediction_keys(group.subject):
                    self.store.describe(key, {"component": "(predictions)", "label": group.model.label, "scores": {}})
            for column in group.columns:
                if column.key in keys:
                    scores = {score.key: score.recipe.name for score in column.scores if score.reason is None}
                    self.store.describe(column.key, {"component": column.recipe.name, "label": column.label, "scores": scores})

    def _conclude(
        self, plan: Plan, outcome: Outcome, hooks: HookRunner, announcer: ColumnNotifier, failures: FailureLog, clock: Stopwatch
    ) -> FinishedRun:
        for group in plan.everything:
            for key in {*(column.key for column in group.columns), *(prediction_keys(group.subject) if group.subject else ())}:
                self.store.compact(key)
        summary = outcome.summary(clock.total)
        recipes = self.loaded.recipes
        used = {recipe.distribution for recipe in (*recipes.datasets, *recipes.models, *recipes.rows, *recipes.metrics)}
        stated = collect_provenance(self.loaded.spec.name, self.loaded.spec.seed, sorted(used))
        results = collect_results(self.loaded, plan, self.registry, self.store, outcome, {**stated, "summary": summary})
        write_results(self.folder, results)
        leaderboard = build_leaderboard(results)
        write_leaderboard(self.folder, leaderboard)
        write_map_columns(self.folder, plan, self.registry, self.store, self.plugins)
        write_atomically(self.folder / "provenance.json", json.dumps(results.provenance, indent=1).encode())
        document = leaderboard.model_dump(mode="json")
        announcer.notify_remaining(results)
        self._write_formats(leaderboard, hooks)
        hooks.call("run_finished", leaderboard=document, out=str(self.folder))
        clock.lap("the leaderboard")
        return FinishedRun(
            self.folder,
            leaderboard,
            results,
            outcome,
            summary,
            failures,
            clock.seconds,
            [*outcome.problems, *map(str, hooks.problems), *dict.fromkeys([*self.store.damaged, *outcome.damaged])],
        )

    def _write_formats(self, leaderboard: Leaderboard, hooks: HookRunner) -> None:
        """The leaderboard in every format, those that plugins add too."""
        extra = {name: make for formats in hooks.call("leaderboard_formats") for name, make in formats.items()}
        group = self.loaded.spec.statistics.group
        for made in formats_with(extra).values():
            if made.suffix is None:
                continue
            text, name = made.render(leaderboard, View(group)), f"leaderboard.{_folder_name(made.suffix)}"
            write_atomically(self.folder / name, text.encode())
            hooks.call("leaderboard_rendered", format=made.name, text=text, out=str(self.folder / name))
            if leaderboard.meta and made.shows_metrics:
                write_atomically(self.folder / f"meta.{made.suffix}", made.render(leaderboard, View(group, meta=True)).encode())


def default_store_address(loaded: LoadedSpec) -> str:
    """The address of the store of a run that is given none."""
    return loaded.spec.store.path or os.environ.get("HARNESS_STORE") or DEFAULT_ADDRESS


def prediction_keys(subject: Subject) -> Iterator[str]:
    """The columns of what is predicted on a subject."""
    yield subject.prediction_key
    if subject.altered_prediction_key is not None:
        yield subject.altered_prediction_key


def _folder_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".") or "run"
