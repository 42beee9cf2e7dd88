"""From a plan to jobs: the rows of each explanation that something is missing of, in shards, in the order they are best done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.planning.group_plan import ExplanationColumn, GroupPlan
from harness.planning.jobs import Job, MetricTask
from harness.planning.plan import Plan
from harness.registry.recipe import Recipe
from harness.store.sample_alignment import Bools

SMALLEST_SHARD, LARGEST_SHARD = 8, 64  # samples of a shard


def plan_jobs(plan: Plan, shard: int | Literal["auto"], keep: int | None, dtype: Literal["float32", "float16"]) -> list[Job]:
    """All jobs of a plan: those of its groups, then those of their variants.

    Explainers that others are composed of come first, so that their stored maps can be used; within one depth the costliest come first,
    so that no worker is left alone with a long one. All shards of an explainer follow one another, so that whole rows of the leaderboard
    are finished even if a run is not. There are at least two, so that two workers that begin together predict different rows; if
    there are fewer than workers, jobs are split as they are given out (`harness.dispatch.job_queue`).
    """
    rate = plan.seconds_per_pass or 1.0
    found: list[tuple[tuple[int, int, float], Job]] = []
    for place, group in enumerate(plan.everything):
        size = shard if shard != "auto" else min(LARGEST_SHARD, max(SMALLEST_SHARD, -(-len(group.rows) // 2)))
        for column in group.columns:
            order = (max(0, place + 1 - len(plan.groups)), nesting_depth(column.recipe), -_seconds_per_sample(column, rate))
            found += [(order, job) for job in _column_jobs(group, column, size, group.keeps(keep), dtype)]
    found.sort(key=lambda item: item[0])
    return [replace(job, id=f"job-{number:06d}") for number, (_, job) in enumerate(found)]


def _seconds_per_sample(column: ExplanationColumn, rate: float) -> float:
    """Seconds that explaining a sample takes: as measured, else as its declared passes take elsewhere."""
    return (column.passes or 0.0) * rate if column.seconds is None else column.seconds


def nesting_depth(recipe: Recipe) -> int:
    """Depth to which explainers are nested in a recipe; 0 for one that takes none."""
    return max((nesting_depth(nested) + 1 for nested in recipe.nested), default=0)


def _column_jobs(
    group: GroupPlan, column: ExplanationColumn, size: int, keep: int | None, dtype: Literal["float32", "float16"]
) -> Iterator[Job]:
    if group.subject is None or column.reason is not None:
        return
    tasks = [
        MetricTask(score.label, score.computed or score.recipe, score.key, score.evidence)
        for score in column.scores
        if score.reason is None
    ]
    columns = [column.key, *(task.key for task in tasks)]
    lacking = np.stack([group.lacking(key) for key in columns])
    places = np.flatnonzero(lacking.any(axis=0))
    for alike in _group_equal_columns(lacking[:, places]):
        rows = [group.rows[place] for place in places[alike]]
        wanted = [task for task, lacks in zip(tasks, lacking[1:, places[alike[0]]], strict=True) if lacks]
        for start in range(0, len(rows), size):
            yield Job(
                "",
                group.subject,
                column.label,
                column.recipe,
                column.key,
                rows[start : start + size],
                wanted,
                keep,
                dtype,
                column.variant,
            )


def _group_equal_columns(lacking: Bools) -> list[NDArray[np.intp]]:
    """Indices of the columns of ``lacking`` (K, N) that are equal to one another, by the first of each."""
    packed = np.ascontiguousarray(np.packbits(lacking, axis=0).T)
    _, first, pattern = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_inverse=True)
    return [np.flatnonzero(pattern == number) for number in np.argsort(first)]
