"""Predictions of a run that are made before anything is explained, as what is explained depends on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.dispatch.events import ColumnFailed, RowsCommitted
from harness.dispatch.executor import Executor
from harness.planning.jobs import Job
from harness.store.store import Store
from harness.text_format import format_count


def predict_all(executor: Executor, store: Store, jobs: Sequence[Job], stage: Callable[[str], object]) -> None:
    """Have the jobs done. What fails is said when what depends on it is done, and fails too."""
    if not jobs:
        return
    labels = {job.key: job.subject.model for job in jobs}
    for key, label in labels.items():
        store.describe(key, {"component": "(predictions)", "label": label, "scores": {}})
    done, of = 0, sum(len(job.rows) for job in jobs)
    models = format_count(len(labels), "model")
    stage(f"predicting with {models}")
    executor.submit(jobs)
    for event in executor.events():
        match event:
            case RowsCommitted():
                done += event.rows
                stage(f"predicting with {models}: {done:,} of {format_count(of, 'sample')}")
            case ColumnFailed():
                executor.cancel({event.column})
