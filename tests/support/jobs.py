"""Jobs that nothing has to be made for: of explainers composed of others, by numbers."""

from __future__ import annotations

from collections.abc import Sequence

from harness.api import Sample
from harness.planning.jobs import Job, MetricTask, SampleRef, Subject
from harness.registry.recipe import Recipe

RECIPE = Recipe("explainers", "e", "x", "1")


def composed(
    number: int, parts: Sequence[int], rows: range, subject: str = "x", keep: int | None = None, metrics: Sequence[str] = ()
) -> Job:
    """A job of column ``maps-number`` whose explainer is composed of the explainers of these numbers; ``a`` of it is ``a-number``."""

    def recipe(number: int, nested: Sequence[int]) -> Recipe:
        return Recipe("explainers", f"e{number}", "x", "1", {"parts": [recipe(part, []) for part in nested]})

    stored = {recipe(part, []).digest: f"maps-{part}" for part in range(6)}
    about = Subject("d", "m", RECIPE, None, RECIPE, None, subject, "predicted", 0, stored)
    refs = [SampleRef(row, f"s{row}", "d") for row in rows]
    tasks = [MetricTask(name, RECIPE, f"{name}-{number}") for name in metrics]
    return Job(f"job-{number}-{rows.start}", about, f"e{number}", recipe(number, parts), f"maps-{number}", refs, tasks, keep)


def cells(job: Job) -> list[tuple[str, int]]:
    """What a job explains: its column and its rows' positions."""
    return [(job.key, row.position) for row in job.rows]


def parts_of(job: Job) -> set[str]:
    """The columns of the explainers in a job's, looked up one by one."""
    return {job.subject.stored[nested.digest] for nested in job.recipe.nested if nested.digest in job.subject.stored}


def sample_ref(position: int, sample: Sample) -> SampleRef:
    """A sample as a plan names it."""
    return SampleRef.of(position, sample.id, sample.digest, {kind: sample.evidence_digest(kind) for kind in sample.evidence})
