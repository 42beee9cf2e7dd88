"""Dependencies of jobs on stored maps of others: those of explainers that are composed of other rows of the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.planning.jobs import Job
from harness.registry.recipe import Recipe


def find_map_dependencies(jobs: Sequence[Job]) -> dict[str, set[str]]:
    """By the ids of composed jobs, those of the jobs that make the maps of their parts for some of their rows, and keep them.

    Only jobs that stand before are used, so that however jobs are composed no two wait for one another. Takes one column's rows of memory.
    """
    users: defaultdict[str, list[int]] = defaultdict(list)
    for number, job in enumerate(jobs):
        for key in find_used_columns(job):
            users[key].append(number)
    makers: defaultdict[str, list[int]] = defaultdict(list)
    for number, job in enumerate(jobs):
        if job.key in users:
            makers[job.key].append(number)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key, numbers in makers.items():
        kept: defaultdict[int, list[int]] = defaultdict(list)
        for number in numbers:
            for row in filter(jobs[number].keeps, jobs[number].rows):
                kept[row.position].append(number)
        for number in users[key]:
            wanted = {maker for row in jobs[number].rows for maker in kept.get(row.position, ()) if maker < number}
            if wanted:
                found[jobs[number].id] |= {jobs[maker].id for maker in wanted}
    return dict(found)


def find_used_columns(job: Job) -> set[str]:
    """The columns whose stored maps a job's explainer uses: of the explainers in it, or if these are no rows of the run, in them."""
    if job.variant != job.subject.variant:  # of what is altered for one row alone no part's maps are stored
        return set()
    return _collect_used_columns(job.recipe, job.subject.stored)


def _collect_used_columns(recipe: Recipe, stored: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    for nested in recipe.nested:
        key = stored.get(nested.digest)
        found |= _collect_used_columns(nested, stored) if key is None else {key}
    return found
