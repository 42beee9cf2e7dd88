"""Failures of a run: each component once, with its reason and the cells that it cost; tracebacks go into a file of the run folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.dispatch.events import ColumnFailed, Event
from harness.planning.facts import Unavailable
from harness.planning.gaps import group_name
from harness.planning.group_plan import ExplanationColumn, GroupPlan
from harness.planning.plan import Plan
from harness.text_format import format_count, format_some

FILE_NAME = "failures.log"
MAX_LINES = 20  # lines of a summary
MAX_PLACES = 2  # on one line


@dataclass
class Failure:
    """One component that failed for one reason.

    Attributes:
        state: how (``failed``, ``timeout``, …).
        component: label of the explainer or metric; of what is blocked, its ``dataset · model``.
        reason: why, on one line.
        places: on which rows, metrics and groups.
        cells: keys of the cells that it cost.
    """

    state: str
    component: str
    reason: str
    places: dict[str, None] = field(default_factory=dict)
    cells: set[str] = field(default_factory=set)

    def where(self) -> str:
        """``lrp on mine · vit``."""
        return self.component + (f" on {format_some(list(self.places), MAX_PLACES)}" if self.places else "")

    def named(self) -> str:
        """``lrp on mine · vit (3 cells)``; without the places if they are many."""
        name = self.where() if len(self.places) <= MAX_PLACES else self.component
        return f"{name} ({format_count(len(self.cells), 'cell')})"


class FailureLog:
    """Hears the events of a run; each failure is said when it is new, and its traceback written then."""

    def __init__(self, folder: Path, say: Callable[[str], object]) -> None:
        self.file = folder / FILE_NAME
        self._say = say
        self.found: dict[tuple[str, str, str], Failure] = {}
        self._columns: dict[str, tuple[GroupPlan, ExplanationColumn, str | None]] = {}  # of a score its label too
        self._explanations: dict[str, Failure] = {}  # what is wrong with an explanation, which its scores have to share
        self._written = False
        with contextlib.suppress(OSError):
            self.file.unlink(missing_ok=True)

    def begin(self, plan: Plan) -> None:
        """The columns of the run are known."""
        for group in plan.everything:
            for column in group.columns if group.blocked is None else ():
                self._columns[column.key] = (group, column, None)
                self._columns.update({score.key: (group, column, score.label) for score in column.scores})

    def hear(self, event: Event) -> None:
        """Take one event in, and say so if it is a failure that nothing was said of yet."""
        if not isinstance(event, ColumnFailed) or event.column not in self._columns:
            return
        group, column, metric = self._columns[event.column]
        known = self._explanations.get(column.key)
        if metric is not None and known is not None:
            known.cells.add(event.column)
            return
        state, reason = event.state, event.reason
        component = group_name(group) if state == "blocked" else column.label if metric is None else metric
        failure = self.found.get((state, component, reason))
        new = failure is None
        failure = failure or self.found.setdefault((state, component, reason), Failure(state, component, reason))
        failure.cells |= {event.column} if metric is not None else _unfinished_cells(group, column)
        if state != "blocked":
            failure.places[group_name(group) if metric is None else f"{column.label} of {group_name(group)}"] = None
        if metric is None:
            self._explanations[column.key] = failure
        if new:
            line = f"{state}: {failure.named() if metric is None else failure.where()}: {reason}"
            self._write(line, event.traceback, event.log)
            self._say(line)

    def refused(self, what: str, error: Unavailable) -> None:
        """Write down why something could not be found out while planning; the plan says what that blocks."""
        self._write(f"{what}: {error}", error.traceback)

    def summary(self, reasons: bool = False) -> Iterator[str]:
        """A line for each component and the cells that it cost, with ``reasons`` also why, for whom nothing was said when it happened."""
        lines = [f"{failure.state}: {failure.named()}{f': {failure.reason}' if reasons else ''}" for failure in self.found.values()]
        yield from lines[:MAX_LINES]
        if len(lines) > MAX_LINES:
            yield f"and {len(lines) - MAX_LINES} more"

    @property
    def tracebacks(self) -> Path | None:
        """The file of the tracebacks, if there are any."""
        return self.file if self._written else None

    def _write(self, title: str, traceback: str | None, log: str | None = None) -> None:
        details = [traceback.rstrip()] if traceback else []
        details += [f"what the worker printed: {log}"] if log else []
        if details:
            with contextlib.suppress(OSError), self.file.open("a", encoding="utf-8", errors="replace") as stream:
                stream.write("\n".join([title, *details]) + "\n\n")
                self._written = True


def _unfinished_cells(group: GroupPlan, column: ExplanationColumn) -> set[str]:
    """The cells of an explanation that are not finished."""
    return {score.key for score in column.scores if score.reason is None and group.lacking(score.key).any()}
