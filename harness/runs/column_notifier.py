"""Tells hooks which columns are done: each when its last row is, and at the end those that nothing was computed of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.dispatch.events import ColumnFailed, Event, RowsCommitted
from harness.planning.jobs import Job
from harness.planning.plan import Plan
from harness.registry.hook_runner import HookRunner
from harness.results.data_model import Results


class ColumnNotifier:
    """Calls ``column_finished`` once for every (dataset, model, explainer, metric)."""

    def __init__(self, plan: Plan, hooks: HookRunner) -> None:
        self._hooks = hooks
        self._open: dict[str, int] = {}
        self._told: set[tuple[str, ...]] = set()
        self._labels: Mapping[str, tuple[str, str, str, str]] = {
            score.key: (group.dataset.label, group.model.label, column.label, score.label)
            for group in plan.groups
            for column in group.columns
            for score in column.scores
            if score.key
        }

    def begin(self, jobs: Sequence[Job]) -> None:
        """The rows to come of each column are known."""
        for job in jobs:
            for task in job.metrics:
                self._open[task.key] = self._open.get(task.key, 0) + len(job.rows)

    def hear(self, event: Event) -> None:
        """Tell of a column whose last row is committed, or that failed."""
        if not isinstance(event, RowsCommitted | ColumnFailed) or (labels := self._labels.get(event.column)) is None:
            return
        if isinstance(event, ColumnFailed):
            self._notify(labels, event.state, event.reason)
        else:
            self._open[event.column] -= event.rows
            if self._open[event.column] <= 0:
                self._notify(labels, "ok", None)

    def notify_remaining(self, results: Results) -> None:
        """Tell of all others, as they stand in the results."""
        for group in results.groups:
            for (row, metric), cell in group.cells.items():
                self._notify((group.dataset, group.model, row, metric), cell.status, cell.reason)

    def _notify(self, labels: tuple[str, str, str, str], state: str, reason: str | None) -> None:
        if labels not in self._told:
            self._told.add(labels)
            column = dict(zip(("dataset", "model", "explainer", "metric"), labels, strict=True))
            self._hooks.call("column_finished", column=column, state=state, reason=reason)
