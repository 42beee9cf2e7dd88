"""How far a run is: counts of cells, so that bars and lines say the same as plans and summaries."""

from __future__ import annotations

import time
from collections.abc import Sequence

from harness.dispatch.events import ColumnFailed, Event, JobFinished, PhaseStarted, RowsCommitted
from harness.planning.jobs import Job
from harness.text_format import format_count

PHASE_VERBS = {"load": "loading", "predict": "predicting with", "explain": "explaining with", "score": "scoring"}


class ProgressCounter:
    """Cells done, an explainer under a metric each; explanations, which may be in the store already, are none.

    Attributes:
        total, done, failed: cells.
        scores, scored: how many scores there are to compute, and are there: one for each sample of a cell, by which a bar moves.
        passes: of the jobs that are finished.
        at: what is being done of each job.
    """

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.failed = 0
        self.scores = 0
        self.scored = 0
        self.passes = 0
        self.at: dict[str, str] = {}
        self._open: dict[str, int] = {}  # rows to come by column
        self._running: dict[str, int] = {}  # passes of the jobs that are not finished
        self._started = time.monotonic()

    def begin(self, jobs: Sequence[Job]) -> None:
        """Count what there is to do; an explanation of which no score is missing counts as a cell, for its maps are."""
        for job in jobs:
            for key in [task.key for task in job.metrics] or [job.key]:
                self._open[key] = self._open.get(key, 0) + len(job.rows)
        self.total, self.scores = len(self._open), sum(self._open.values())
        self._started = time.monotonic()

    def hear(self, event: Event) -> None:
        """Count one event."""
        if isinstance(event, PhaseStarted):
            self.at[event.job] = f"{PHASE_VERBS[event.what]} {event.component}"
        elif isinstance(event, RowsCommitted) and event.column in self._open:
            self._settle(event.column, event.rows)
        elif isinstance(event, ColumnFailed):
            self.at.pop(event.job, None)  # its worker may be gone; one that goes on says what it is at next
            if event.column in self._open:
                self.failed += 1
                self._settle(event.column, self._open[event.column])
        elif isinstance(event, JobFinished):
            self.passes += event.forward + event.backward
            self.at.pop(event.job, None)
            self._running.pop(event.job, None)
        if event.passes is not None and not isinstance(event, JobFinished):
            self._running[event.job] = event.passes

    def _settle(self, column: str, rows: int) -> None:
        """So many rows of a column are done, or given up."""
        self.scored += min(rows, self._open[column])
        self._open[column] -= rows
        if self._open[column] <= 0:
            del self._open[column]
            self.done += 1

    @property
    def count(self) -> str:
        """``37/160 cells``, and how many of them failed."""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done:,}/{format_count(self.total, 'cell')}{failed}"

    @property
    def rate(self) -> float:
        """Passes per second since the work began."""
        return (self.passes + sum(self._running.values())) / max(time.monotonic() - self._started, 1e-9)

    @property
    def now(self) -> str:
        """What is being worked on."""
        return ", ".join(list(dict.fromkeys(self.at.values()))[:2])
