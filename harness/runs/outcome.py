"""Outcome of a run: failures of columns, and how the run ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.dispatch.events import ColumnFailed, Event, Noted, StoreDamaged
from harness.results.data_model import Status


@dataclass
class Outcome:
    """Failures of columns, what a person should know, and why the work ended.

    Attributes:
        failures: (state, reason) by column key; the first failure of a column stands.
        damaged: files of the store that were set aside.
        problems: what else a person should know.
        stopped: why the run ended before its work did, or None.
        signal: the number of the signal that stopped it, or None.
    """

    failures: dict[str, tuple[Status, str]] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    stopped: str | None = None
    signal: int | None = None

    @property
    def interrupted(self) -> bool:
        """Whether a signal stopped the run before its end."""
        return self.signal is not None

    def hear(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case ColumnFailed():
                self.failures.setdefault(event.column, (event.state, event.reason))
            case StoreDamaged():
                self.damaged.extend(event.files)
            case Noted() if event.reason not in self.problems:  # what every job says is said once
                self.problems.append(event.reason)
