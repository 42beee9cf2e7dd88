"""End of a run: results are collected and ranked, and the run folder is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.render import formats_with
from harness.leaderboard.sections.all_sections import View
from harness.leaderboard.sections.classification import shown_classification
from harness.registry.hook_runner import HookRunner
from harness.results.data_model import EXPECTED_STATUSES, Results, Weighting
from harness.results.document import Leaderboard
from harness.results.run_folder import MapColumns, write_leaderboard, write_map_columns, write_results
from harness.runs.failures import FailureLog
from harness.runs.file_names import to_folder_name
from harness.runs.outcome import Outcome
from harness.runs.provenance import collect_provenance
from harness.runs.result_collection import collect_map_columns, collect_results
from harness.runs.startup import StartupTimes
from harness.store.address import redact_credentials
from harness.store.atomic import write_atomically

if TYPE_CHECKING:
    from harness.runs.execution import Execution
    from harness.runs.run import Run


@dataclass
class FinishedRun:
    """Everything that a run leaves.

    Attributes:
        folder: the run folder.
        leaderboard: the document of ``leaderboard.json``.
        results: per-sample scores with their states.
        outcome: what this run did.
        summary: totals of passes and time.
        failures: what failed, by component.
        seconds: that planning, computing and the leaderboard took.
        problems: what hooks and the store reported.
        startup: what was waited for before the first job.
    """

    folder: Path
    leaderboard: Leaderboard
    results: Results
    outcome: Outcome
    summary: Mapping[str, Any]
    failures: FailureLog
    seconds: Mapping[str, float]
    problems: list[str] = field(default_factory=list)
    startup: StartupTimes | None = None

    @property
    def ok(self) -> bool:
        """Whether every cell that could be computed was."""
        return all(cell.status in EXPECTED_STATUSES for group in self.results.everything for cell in group.cells.values())


def conclude(run: Run, execution: Execution) -> FinishedRun:
    """Collect, rank and write what there is, whether the work was done or broken off."""
    plan, outcome, hooks, clock = execution.plan, execution.outcome, execution.hooks, execution.clock
    summary = execution.work.summary(clock.started, clock.total)
    spec, recipes = run.loaded.spec, run.loaded.recipes
    for group in [*plan.everything, *plan.not_kept]:
        for key in {*(column.key for column in group.columns), *(group.subject.prediction_keys if group.subject else ())}:
            run.store.compact(key)
    used = {recipe.distribution for recipe in (*recipes.datasets, *recipes.models, *recipes.rows, *recipes.metrics)}
    stated = collect_provenance(spec.name, spec.seed, sorted(used))
    results = collect_results(run.loaded, plan, run.registry, run.store, outcome, {**stated, "summary": summary})
    write_results(run.folder, results)
    leaderboard = build_leaderboard(results)
    write_leaderboard(run.folder, leaderboard)
    columns = list(collect_map_columns(plan, run.registry))
    plugins = [str(Path(file).resolve()) for file in run.plugins]
    write_map_columns(run.folder, MapColumns(store=redact_credentials(run.store.address), plugins=plugins, columns=columns))
    write_atomically(run.folder / "provenance.json", json.dumps(results.provenance, indent=1).encode())
    execution.notifier.notify_remaining(results)
    _write_formats(run.folder, leaderboard, spec.statistics.group, hooks)
    hooks.call("run_finished", leaderboard=leaderboard.model_dump(mode="json"), out=str(run.folder))
    clock.lap("the leaderboard")
    problems = [*outcome.problems, *map(str, hooks.problems), *dict.fromkeys([*run.store.damaged, *outcome.damaged])]
    return FinishedRun(run.folder, leaderboard, results, outcome, summary, execution.failures, clock.seconds, problems, execution.startup)


def _write_formats(folder: Path, leaderboard: Leaderboard, group: Weighting, hooks: HookRunner) -> None:
    """Write the leaderboard in every format, those that plugins add too."""
    for made in formats_with(hooks.call("leaderboard_formats")).values():
        if made.suffix is None:
            continue
        text, path = made.render(leaderboard, View(group)), folder / f"leaderboard.{to_folder_name(made.suffix)}"
        write_atomically(path, text.encode())
        hooks.call("leaderboard_rendered", format=made.name, text=text, out=str(path))
        if leaderboard.meta and made.shows_metrics:
            write_atomically(folder / f"meta.{made.suffix}", made.render(leaderboard, View(group, meta=True)).encode())
        if shown_classification(leaderboard) and made.name == "csv":  # the others hold it
            write_atomically(folder / f"models.{made.suffix}", made.render(leaderboard, View(group, models=True)).encode())
