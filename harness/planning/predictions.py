"""Jobs that predict and explain nothing: of models that are ranked before it is known which are explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from harness.planning.group_plan import GroupPlan
from harness.planning.jobs import PREDICTION, Job
from harness.store.sample_alignment import MaskedColumn
from harness.store.store import Store

SHARD = 64  # samples of a job


def stored_predictions(group: GroupPlan, store: Store, field: str) -> MaskedColumn:
    """A field of a group's predictions, of all its samples."""
    key = "" if group.subject is None else group.subject.prediction_key
    return store.known(key, group.samples).get(key, {}).get(field) or MaskedColumn.all_missing(len(group.rows))


def accuracy_on(group: GroupPlan, store: Store) -> float | None:
    """The accuracy on a group's samples; None if some of them are not predicted."""
    if group.subject is None or not group.rows:
        return None
    correct, there = stored_predictions(group, store, "correct")
    return float(correct.mean()) if there.all() else None


def prediction_jobs(groups: Sequence[GroupPlan], store: Store) -> list[Job]:
    """A job for each shard of what is not predicted."""
    jobs = [job for group in groups for job in _jobs_of(group, store)]
    return [replace(job, id=f"prediction-{number:06d}") for number, job in enumerate(jobs)]


def _jobs_of(group: GroupPlan, store: Store) -> Iterator[Job]:
    if group.subject is None:
        return
    places = np.flatnonzero(~stored_predictions(group, store, "predicted").there)
    rows = [group.rows[place] for place in places]
    for start in range(0, len(rows), SHARD):
        part = rows[start : start + SHARD]
        yield Job("", group.subject, group.model.label, PREDICTION, group.subject.prediction_key, part, [])
