"""Run of a loaded spec: its folder, store and executor; it can be planned, and executed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.dispatch.executor import Executor, ExecutorSettings
from harness.planning.facts import Unavailable
from harness.planning.machine_answers import machine_answers
from harness.planning.plan import Plan, Planner
from harness.planning.predictions import prediction_jobs
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.trainings import PlannedTraining
from harness.registry.binding import bind_executor
from harness.registry.registry import Registry
from harness.runs.execution import execute_run
from harness.runs.file_names import to_folder_name
from harness.runs.plan_report import ExpectFunction, RequestFunction, report_requests, report_start
from harness.runs.prediction import predict_all
from harness.runs.progress import ProgressReporter
from harness.runs.startup import StartupTimes
from harness.runs.training import TrainingReporter, train_all
from harness.spec.loaded_spec import LoadedSpec
from harness.store.address import default_address
from harness.store.store import Store

if TYPE_CHECKING:
    from harness.runs.conclusion import FinishedRun


def _ignore(*said: object) -> None:
    """Say nothing."""


@dataclass
class Run:
    """A run that can be planned and executed.

    Attributes:
        loaded: the spec.
        registry: the components.
        out: the run folder; ``runs/<name>`` if none is given.
        address: the store's path or URL; the spec's, ``HARNESS_STORE`` or ``.harness`` if none is given.
        limit: only the first samples of each dataset.
        plugins: files given with ``--plugin``.
        fresh: use a store of this run's own, so that everything is computed, and what is known of components is found out again.
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
        self.folder = self.out or Path("runs") / to_folder_name(self.loaded.spec.name)
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
            plugins=list(self.plugins),
            options=execution,
            inputs=self.loaded.spec.store.inputs,
        )
        component = self.registry.load(self.registry.card("executors", execution.executor))
        executor: Executor = bind_executor(component, execution.model_extra or {})(settings, self.registry)
        return executor

    def plan(
        self,
        say: Callable[[str], None] = _ignore,
        refused: Callable[[str, Unavailable], None] = _ignore,
        startup: StartupTimes | None = None,
        failed: Mapping[str, str] | None = None,
        predicted: bool = False,
    ) -> Plan:
        """Plan of what there is to compute; asks a worker only for what is not remembered, and says what that worker does.

        ``failed`` is what `train` has found, and ``predicted`` whether `predict` is done.
        """
        return self._planner(say, refused, startup, failed or {}, predicted).plan()

    def trainings(
        self,
        say: Callable[[str], None] = _ignore,
        refused: Callable[[str, Unavailable], None] = _ignore,
        startup: StartupTimes | None = None,
    ) -> list[PlannedTraining]:
        """The trainings that models of the spec lack, each after those that it begins with."""
        return self._planner(say, refused, startup, {}).trainings()

    def predict(
        self,
        say: Callable[[str], None] = _ignore,
        refused: Callable[[str, Unavailable], None] = _ignore,
        startup: StartupTimes | None = None,
        failed: Mapping[str, str] | None = None,
    ) -> None:
        """Have the models predict that are ranked by it before it is planned what is explained; ``failed`` is what `train` has found."""
        groups = self._planner(say, refused, startup, failed or {}).to_predict()
        predict_all(self.executor, self.store, prediction_jobs(groups, self.store), say)

    def train(
        self, planned: Sequence[PlannedTraining], reporter: TrainingReporter, refused: Callable[[str, Unavailable], None] = _ignore
    ) -> dict[str, str]:
        """Have the trainings done; by the key of each that failed why it did."""
        return train_all(self.executor, planned, reporter, refused)

    def _planner(
        self,
        say: Callable[[str], None],
        refused: Callable[[str, Unavailable], None],
        startup: StartupTimes | None,
        failed: Mapping[str, str],
        predicted: bool = False,
    ) -> Planner:
        executor = self.loaded.spec.execution.executor.removeprefix("xai-harness/")
        begun = executor == "inline"
        ask: RequestFunction = self.executor.ask
        expect: ExpectFunction = _ignore
        if hasattr(self.executor, "expect"):  # not every executor can do what will be asked ahead
            expect = report_start(self.executor.expect, say)
        if startup is not None:
            ask, expect = startup.timed(ask, lambda: getattr(self.executor, "workers", ())), startup.timed_start(expect)
        ask = report_requests(ask, say, refused, begun, getattr(self.executor, "listen", _ignore))
        machine = machine_answers() if executor in ("inline", "local") and not self.fresh else None
        return Planner(self.loaded, self.store, RememberedFacts(self.store, ask, expect, machine), self.limit, failed, predicted)

    def execute(self, progress: ProgressReporter | None = None) -> FinishedRun:
        """Compute what is missing, and write the run folder, after an interrupt too: what is committed is kept."""
        return execute_run(self, progress or ProgressReporter())


def default_store_address(loaded: LoadedSpec) -> str:
    """The address of the store of a run that is given none."""
    return loaded.spec.store.path or default_address()
