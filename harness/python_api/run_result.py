"""What a run gives back in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.leaderboard.display import DisplayedLeaderboard, display_or_print
from harness.python_api.scores import Scores
from harness.text_format import format_count

if TYPE_CHECKING:
    import pandas as pd

    from harness.runs.conclusion import FinishedRun

EXPECTED_STATES = ("ok", "not-applicable")
MAX_REASONS = 10


@dataclass(frozen=True, repr=False)
class RunResult:
    """What `harness.run` returns; printed, or at the end of a notebook's cell, it is the leaderboard.

    Attributes:
        leaderboard: the document of ``leaderboard.json``.
        scores: one line per (dataset, model, explainer, metric, sample); ``scores.where(explainer="lrp")`` are some of them.
        failures: (dataset, model, explainer, metric, state, reason) of every cell that is not ok.
        folder: the run folder.
        summary: passes, seconds and the share of them inside the models.
    """

    leaderboard: DisplayedLeaderboard
    scores: Scores
    failures: Sequence[tuple[str, str, str, str, str, str]]
    folder: Path
    summary: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, finished: FinishedRun) -> RunResult:
        """What a finished run found."""
        import pyarrow as pa

        from harness.results.score_table import SCORE_TABLE_SCHEMA, score_tables

        failures = [
            (group.dataset, group.model, row, column, cell.status, cell.reason or "")
            for group in finished.results.everything
            for (row, column), cell in group.cells.items()
            if cell.status != "ok"
        ]
        scores = Scores(pa.concat_tables([SCORE_TABLE_SCHEMA.empty_table(), *score_tables(finished.results)]))
        return cls(DisplayedLeaderboard.of(finished.leaderboard), scores, failures, finished.folder, finished.summary)

    def table(self, cells: bool = False) -> pd.DataFrame:
        """The leaderboard as a pandas data frame (see `DisplayedLeaderboard.table`)."""
        return self.leaderboard.table(cells)

    def show(self) -> None:
        """Show the leaderboard: as a table in a notebook, else on the terminal."""
        display_or_print(self)

    def __str__(self) -> str:
        return "\n".join([str(self.leaderboard), *self._said()])

    def __repr__(self) -> str:
        return f"<RunResult {self.folder}: {self.leaderboard!r}, {len(self.scores):,} scores, {self._failed()}>"

    def _repr_html_(self) -> str:
        return self.leaderboard._repr_html_() + "".join(f"<p>{escape(line)}</p>" for line in self._said())

    def _failed(self) -> str:
        bad = sum(state not in EXPECTED_STATES for *_, state, _ in self.failures)
        return f"{format_count(bad, 'cell')} failed"

    def _said(self) -> list[str]:
        """What failed, each reason once, and where the run is."""
        reasons: dict[tuple[str, str], list[str]] = {}
        for _, _, explainer, metric, state, reason in self.failures:
            if state not in EXPECTED_STATES:
                reasons.setdefault((state, reason), []).append(f"{explainer} on {metric}")
        lines = []
        for (state, reason), cells in reasons.items():
            others = f" and {format_count(len(cells) - 1, 'other cell')}" if len(cells) > 1 else ""
            lines.append(f"{state}: {cells[0]}{others}: {reason}")
        more = [f"and {format_count(len(lines) - MAX_REASONS, 'other reason')}: see run.failures"] if len(lines) > MAX_REASONS else []
        return [*lines[:MAX_REASONS], *more, f"run folder: {self.folder}"]
