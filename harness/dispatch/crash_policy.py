"""The blame for the end of a worker, and what of its job is left for another."""

from __future__ import annotations

from collections import Counter

from harness.dispatch.events import ColumnFailed, PhaseStarted, RowsCommitted
from harness.dispatch.executor import ExecutorSettings
from harness.dispatch.worker_handle import Assignment, WorkerHandle
from harness.planning.jobs import Job, positions_of
from harness.results.data_model import Status
from harness.store.sample_alignment import rows_with_any_value
from harness.store.store import Store, StoreError

MAX_LOAD_CRASHES = 2  # times that loading the same model and data may kill a worker before its job is blocked
MAX_COLUMN_CRASHES = 2  # times that workers may die at a column before it is blamed: the kernel, or a component before it, may have been it
MAX_MACHINE_LOSSES = 3  # times that the machine may be lost under the same job before the job is blamed for it
PHASE_PHRASES = {"load": "loading", "predict": "predicting with", "explain": "explaining with", "score": "scoring with"}


class CrashPolicy:
    """Blames the explanation or the metric that a worker was at, and remembers how often a job has been given back."""

    def __init__(self, settings: ExecutorSettings) -> None:
        self._settings = settings
        self._loads: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._crashes: Counter[str] = Counter()

    def of(self, worker: WorkerHandle, assignment: Assignment) -> tuple[list[RowsCommitted | ColumnFailed], Job | None]:
        """Events to be told of the columns of the job, and what is left of it; ``assignment`` is the ended worker's."""
        job, phase = assignment.job, assignment.phase
        told: list[RowsCommitted | ColumnFailed] = [*self._find_committed(job, assignment.settled)]
        settled = assignment.settled | {event.column for event in told}
        culprit = phase.column
        if culprit in settled or self._may_be_retried(worker, job, culprit):
            return told, _without_settled(job, settled)
        state, reason = self._final_state(worker, phase)
        columns = [job.key, *(task.key for task in job.metrics)]
        if culprit is not None and culprit != job.key:
            columns = [culprit]
        elif culprit is None:  # the model, the data or the predictions
            if _count_below(self._loads, job.origin, MAX_LOAD_CRASHES):
                return told, _without_settled(job, settled)
            state = "blocked"
        for column in columns:
            if column not in settled and not (job.explained and column == job.key):  # that it is explained was told
                told.append(ColumnFailed(job=job.id, column=column, state=state, reason=reason, log=worker.log))
        return told, _without_settled(job, settled | set(columns))

    def _may_be_retried(self, worker: WorkerHandle, job: Job, culprit: str | None) -> bool:
        """Whether the column that the worker was at may not be to blame, because its worker may have been killed from outside."""
        if worker.lost is not None:
            return _count_below(self._losses, job.id, MAX_MACHINE_LOSSES)  # of each piece: one machine may take several along
        return (
            culprit is not None and worker.killed_for is None and _count_below(self._crashes, f"{job.origin} {culprit}", MAX_COLUMN_CRASHES)
        )

    def _final_state(self, worker: WorkerHandle, phase: PhaseStarted) -> tuple[Status, str]:
        doing = f"{PHASE_PHRASES[phase.what]} {phase.component or 'what the job needs'}"
        if worker.killed_for == "timeout":
            return "timeout", f"{doing} took longer than {self._settings.limit(phase.what):g} s"
        may_be_innocent = worker.killed_for is None and phase.column is not None
        times = MAX_MACHINE_LOSSES if worker.lost is not None else MAX_COLUMN_CRASHES if may_be_innocent else 1
        return "crashed", f"while {doing} {worker.describe_exit()}" + (f" ({times} times in a row)" if times > 1 else "")

    def _find_committed(self, job: Job, settled: set[str]) -> list[RowsCommitted]:
        """What an ended worker committed and could not tell."""
        try:
            known = Store(self._settings.store).known(job.key, positions_of(job.rows, job.kinds_by_column))
        except StoreError:  # a place that does not answer now: what is there is found by whoever goes on with the job
            return []
        told = settled | {job.key} if job.explained else settled
        columns = [key for key in (job.key, *(task.key for task in job.metrics)) if key not in told]
        finished = [key for key in columns if rows_with_any_value(known.get(key, {}), len(job.rows)).all()]
        return [RowsCommitted(job=job.id, column=key, rows=len(job.rows)) for key in finished]


def _count_below(counter: Counter[str], what: str, most: int) -> bool:
    """Whether it has happened less than ``most`` times by now."""
    counter[what] += 1
    return counter[what] < most


def _without_settled(job: Job, settled: set[str]) -> Job | None:
    """The job without what is settled; None if that is all."""
    left = job.without(settled)
    return left if left.metrics or not left.explained else None
