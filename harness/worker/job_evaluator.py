"""The rows of a job that something can be said of: those whose logits, maps and parts of maps are finite.

What is not is undefined for its sample: its rows are committed as NaN, which leaderboards count, and it costs the others nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.planning.jobs import Job, MetricTask, SampleRef
from harness.text_format import format_some
from harness.worker.contracts import rows_with_finite_maps, select_attribution_rows
from harness.worker.job_explainer import JobExplainer
from harness.worker.job_inputs import NO_TARGET, column_rows
from harness.worker.job_scorer import JobScorer
from harness.worker.samples import SampleBatch


@dataclass
class JobEvaluator:
    """Explains and scores a job's rows as far as they are defined; says which are not in the workbench's notes."""

    explaining: JobExplainer
    job: Job
    samples: SampleBatch
    targets: Tensor
    _attribution: Attribution | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._rows = list(range(len(self.job.rows)))
        self._leave_out((self.targets != NO_TARGET).tolist(), f"the logits of {self.job.subject.model} are")

    def explain(self, model: Classifier) -> Callable[[], object]:
        """Explain; returns what makes the explanation durable."""
        first, write = self._part(), None
        if self._rows:
            self._attribution, write = self.explaining.of(first, model, self._samples(), self.targets[self._rows])
        lost = self._commit_undefined(self.job.key, "zero")
        if self._attribution is not None:
            defined = rows_with_finite_maps(self._attribution)
            if not defined.all():
                self._attribution = select_attribution_rows(self._attribution, defined.nonzero()[:, 0])
                self._leave_out(defined.tolist(), f"the maps of {self.job.explainer} are")
        return _run_in_sequence(write, lost)

    def scoring(self) -> JobScorer | None:
        """Scores what is defined; None where nothing is."""
        if self._attribution is None or not self._rows:
            return None
        return JobScorer(self.explaining, self._part(), self._samples(), self.targets[self._rows], self._attribution)

    def score(self, scoring: JobScorer | None, task: MetricTask) -> Callable[[], object]:
        """Score with one metric; returns what makes the scores durable."""
        return _run_in_sequence(None if scoring is None else scoring.score(task), self._commit_undefined(task.key, "value"))

    def _part(self) -> Job:
        return self.job if len(self._rows) == len(self.job.rows) else replace(self.job, rows=[self.job.rows[row] for row in self._rows])

    def _samples(self) -> SampleBatch:
        return self.samples if len(self._rows) == len(self.job.rows) else self.samples.take(self._rows)

    def _leave_out(self, defined: Sequence[bool], what: str) -> None:
        """Leave out rows that are not defined, and say so."""
        lost = [self.job.rows[row].sample for row, is_defined in zip(self._rows, defined, strict=True) if not is_defined]
        if lost:
            self._rows = [row for row, is_defined in zip(self._rows, defined, strict=True) if is_defined]
            which = f"{len(lost)} of {len(defined)} samples, which {'has' if len(lost) == 1 else 'have'} no scores"
            self.explaining.workbench.notes.append(f"{what} not finite for {which}: {format_some(lost, 3)}")

    def _commit_undefined(self, column: str, name: str) -> Callable[[], object] | None:
        """What commits that a field of a column is undefined for the rows that were left out so far."""
        kept = set(self._rows)
        rows: list[SampleRef] = [row for place, row in enumerate(self.job.rows) if place not in kept]
        if not rows:
            return None
        return lambda: self.explaining.store.commit_rows(self.job.key, column_rows(column, rows, {name: [math.nan] * len(rows)}))


def _run_in_sequence(*writes: Callable[[], object] | None) -> Callable[[], object]:
    """All that is there of these, one after the other."""

    def write() -> None:
        for each in writes:
            if each is not None:
                each()

    return write
