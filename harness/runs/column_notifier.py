"""Tells hooks which columns are done: each when its last row is, and at the end those that nothing was computed of."""

from __future__ import annotations

from harness.dispatch.events import ColumnFailed, Event, RowsCommitted
from harness.planning.plan import Plan
from harness.registry.hook_runner import HookRunner
from harness.results.data_model import Results
from harness.runs.work_counter import WorkCounter

ColumnLabels = tuple[str, str, str, str]  # of dataset, model, explainer and metric


class ColumnNotifier:
    """Calls ``column_finished`` once for every (dataset, model, explainer, metric); hears of events after ``work`` has."""

    def __init__(self, plan: Plan, hooks: HookRunner, work: WorkCounter) -> None:
        self._hooks, self._work = hooks, work
        self._told: set[ColumnLabels] = set()
        self._labels: dict[str, ColumnLabels] = {
            score.key: (group.dataset.label, group.model.label, column.label, score.label)
            for group in plan.groups
            for column in group.columns
            for score in column.scores
            if score.key
        }

    def hear(self, event: Event) -> None:
        """Tell of a column whose last row is committed, or that failed."""
        match event:
            case ColumnFailed() if event.column in self._labels:
                self._notify(self._labels[event.column], event.state, event.reason)
            case RowsCommitted() if event.column in self._labels and event.column not in self._work.rows_to_come:
                self._notify(self._labels[event.column], "ok", None)

    def notify_remaining(self, results: Results) -> None:
        """Tell of all others, as they stand in the results."""
        for group in results.groups:
            for (row, metric), cell in group.cells.items():
                self._notify((group.dataset, group.model, row, metric), cell.status, cell.reason)

    def _notify(self, labels: ColumnLabels, state: str, reason: str | None) -> None:
        if labels not in self._told:
            self._told.add(labels)
            column = dict(zip(("dataset", "model", "explainer", "metric"), labels, strict=True))
            self._hooks.call("column_finished", column=column, state=state, reason=reason)
