"""What became of a run's columns, gathered from events."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from harness.dispatch.events import ColumnFailed, ColumnState, Event, JobFinished, Noted, RowsCommitted, StoreDamaged


@dataclass
class Outcome:
    """States of columns and totals of work.

    Attributes:
        failures: (state, reason) by column key; the first failure of a column stands.
        committed: rows committed by column key.
        jobs, forward, backward: totals of this run.
        model_seconds: inside passes; worker_seconds: inside jobs.
        phases: seconds outside the model by kind (see `harness.worker.timing`).
        devices: passes by kind of device.
        workers: who worked, by kind of device.
        began, ended: when the first job began and the last event of one was heard (s, monotonic); created: when this was made.
        damaged: files of the store that were set aside.
        problems: what else a person should know.
        interrupted: whether a signal stopped the run before its end, and which.
        stopped: why it ended before its work did, or None.
    """

    failures: dict[str, tuple[ColumnState, str]] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    jobs: int = 0
    forward: int = 0
    backward: int = 0
    model_seconds: float = 0.0
    worker_seconds: float = 0.0
    phases: Counter[str] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    workers: dict[str, set[str]] = field(default_factory=dict)
    created: float = field(default_factory=time.monotonic)
    began: float | None = None
    ended: float = 0.0
    damaged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False
    signal: int = 0
    stopped: str | None = None

    def hear(self, event: Event) -> None:
        """Take one event in."""
        self.ended = time.monotonic()
        self.began = self.began or self.ended
        if isinstance(event, ColumnFailed):
            self.failures.setdefault(event.column, (event.state, event.reason))
        elif isinstance(event, RowsCommitted):
            self.committed[event.column] = self.committed.get(event.column, 0) + event.rows
        elif isinstance(event, StoreDamaged):
            self.damaged.extend(event.files)
        elif isinstance(event, Noted):
            if event.reason not in self.problems:  # what every job says is said once
                self.problems.append(event.reason)
        elif isinstance(event, JobFinished):
            self.began = min(self.began, self.ended - event.seconds)  # inline all of a job's events are heard at its end
            self.jobs += 1
            self.forward += event.forward
            self.backward += event.backward
            self.model_seconds += event.model_seconds
            self.worker_seconds += event.seconds
            self.phases.update(event.phases)
            self.devices[event.device] += event.forward + event.backward
            self.workers.setdefault(event.device, set()).add(event.worker or "")

    def summary(self, wall: float) -> dict[str, Any]:
        """Totals as JSON: passes, their rate over the time in which there was work, and what share of the workers' time went into what.

        ``seconds`` are those of the whole run, ``startup_seconds`` those before the first job began, ``working_seconds`` those until the
        last one ended. Shares are of the time in which workers had jobs or waited for the next.
        """
        passes, working = self.forward + self.backward, self.ended - self.began if self.began is not None else 0.0
        spent = self.worker_seconds + self.phases["wait"]
        parts = {"model": self.model_seconds, **{kind: seconds for kind, seconds in self.phases.most_common() if kind != "job"}}
        shares = {kind: round(seconds / spent, 4) for kind, seconds in parts.items()} if spent else {}
        return {
            "jobs": self.jobs,
            "passes": passes,
            "seconds": round(wall, 3),
            "startup_seconds": round(self.began - self.created, 3) if self.began is not None else round(wall, 3),
            "working_seconds": round(working, 3),
            "passes_per_second": round(passes / working, 1) if working else 0.0,
            "devices": {
                device: {"workers": len(self.workers[device]), "passes": count, "passes_per_second": round(count / working, 1)}
                for device, count in self.devices.items()
            },
            "model_share": round(self.model_seconds / self.worker_seconds, 3) if self.worker_seconds else 0.0,
            "shares": shares | ({"other": round(max(0.0, 1 - sum(shares.values())), 4)} if shares else {}),
        }
