"""Counts of a run's work: cells, scores, passes and seconds, so that bars, lines, plans and summaries say the same."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.dispatch.events import ColumnFailed, Event, JobFinished, PhaseStarted, RowsCommitted, WorkersDecided
from harness.planning.jobs import Job
from harness.text_format import format_count

PHASE_VERBS = {"load": "loading", "predict": "predicting with", "explain": "explaining with", "score": "scoring"}


class WorkCounter:
    """Cells done, an explainer under a metric each; an explanation counts as one only if no score of it is missing: then its maps are.

    Attributes:
        rows_to_come: by column, of those that are not done.
        total, done, failed: cells.
        scores, scored: how many scores there are to compute, and are there: one for each sample of a cell, by which a bar moves.
        began, ended: when the first job began and the last event was heard (s, monotonic).
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.rows_to_come: Counter[str] = Counter()
        for job in jobs:
            for key in [task.key for task in job.metrics] or [job.key]:
                self.rows_to_come[key] += len(job.rows)
        self.total, self.scores = len(self.rows_to_come), self.rows_to_come.total()
        self.done = self.failed = self.scored = 0
        self.began: float | None = None
        self.ended = 0.0
        self._created = time.monotonic()
        self._at: dict[str, str] = {}  # what is being done of each job
        self._running: dict[str, int] = {}  # passes of the jobs that are not finished
        self._passes = 0  # of the others
        self._finished: list[JobFinished] = []
        self._decided: dict[str, WorkersDecided] = {}  # what was decided last of each device

    def hear(self, event: Event) -> None:
        """Count one event."""
        self.ended = time.monotonic()
        self.began = self.began or self.ended
        if event.passes is not None:
            self._running[event.job] = event.passes
        match event:
            case PhaseStarted():
                self._at[event.job] = f"{PHASE_VERBS[event.what]} {event.component}"
            case RowsCommitted():
                self._settle(event.column, event.rows)
            case ColumnFailed():
                self._at.pop(event.job, None)  # its worker may be gone; one that goes on says what it is at next
                if event.column in self.rows_to_come:
                    self.failed += 1
                    self._settle(event.column, self.rows_to_come[event.column])
            case JobFinished():
                self.began = min(self.began, self.ended - event.seconds)  # inline all of a job's events are heard at its end
                self._at.pop(event.job, None)
                self._running.pop(event.job, None)
                self._passes += event.forward + event.backward
                self._finished.append(replace(event, traced=None))
            case WorkersDecided():
                self._decided[event.device] = event

    def _settle(self, column: str, rows: int) -> None:
        """So many rows of a column are done, or given up."""
        if column in self.rows_to_come:
            self.scored += min(rows, self.rows_to_come[column])
            self.rows_to_come[column] -= rows
            if self.rows_to_come[column] <= 0:
                del self.rows_to_come[column]
                self.done += 1

    @property
    def count(self) -> str:
        """``37/160 cells``, and how many of them failed."""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done:,}/{format_count(self.total, 'cell')}{failed}"

    @property
    def rate(self) -> float:
        """Passes per second since the work began."""
        return (self._passes + sum(self._running.values())) / max(time.monotonic() - self._created, 1e-9)

    @property
    def now(self) -> str:
        """Description of what is being worked on."""
        return ", ".join(list(dict.fromkeys(self._at.values()))[:2])

    def summary(self, started: float, seconds: float) -> dict[str, Any]:
        """Totals as JSON: passes, their rate over the time in which there was work, and what share of the workers' time went into what.

        ``seconds`` are those of the whole run, which ``started`` then (monotonic); ``startup_seconds`` those before the first job began,
        ``working_seconds`` those until the last one ended; ``processor_seconds`` those of all threads of workers at jobs. Shares are of the
        time in which workers had jobs or waited for the next.
        """
        passes: Counter[str] = Counter()  # by kind of device
        phases: Counter[str] = Counter()  # seconds outside the model by kind (see `harness.worker.timing`)
        workers: dict[str, set[str | None]] = {}
        for job in self._finished:
            passes[job.device] += job.forward + job.backward
            phases.update(job.phases)
            workers.setdefault(job.device, set()).add(job.worker)
        in_model, in_jobs = sum(job.model_seconds for job in self._finished), sum(job.seconds for job in self._finished)
        working, spent = self.ended - self.began if self.began is not None else 0.0, in_jobs + phases["wait"]
        parts = {"model": in_model, **{kind: taken for kind, taken in phases.most_common() if kind != "job"}}
        shares = {kind: round(taken / spent, 4) for kind, taken in parts.items()} if spent else {}
        return {
            "jobs": len(self._finished),
            "passes": passes.total(),
            "seconds": round(seconds, 3),
            "startup_seconds": round(self.began - started if self.began is not None else seconds, 3),
            "working_seconds": round(working, 3),
            "processor_seconds": round(sum(job.processor_seconds for job in self._finished), 3),
            "passes_per_second": round(passes.total() / working, 1) if working else 0.0,
            "devices": {
                device: {"workers": len(workers[device]), "passes": count, "passes_per_second": round(count / working, 1)}
                for device, count in passes.items()
            },
            "workers_per_device": {name: {"workers": each.workers, "reason": each.reason} for name, each in self._decided.items()},
            "model_share": round(in_model / in_jobs, 3) if in_jobs else 0.0,
            "shares": shares | ({"other": round(max(0.0, 1 - sum(shares.values())), 4)} if shares else {}),
        }
