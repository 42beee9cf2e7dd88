"""Jobs cover what is missing: every pair of a row and a column once, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from harness.planning.group_plan import ExplanationColumn, GroupPlan, ScoreColumn
from harness.planning.jobs import SampleRef, Subject
from harness.planning.plan import Plan
from harness.planning.sharding import plan_jobs
from harness.registry.recipe import Recipe

DATA, MODEL = Recipe("datasets", "d", "x", "1"), Recipe("models", "m", "x", "1")
SUBJECT = Subject("d", "m", DATA, None, MODEL, None, "predictions", "predicted", 0, {})
METRICS = [f"metric {i}" for i in range(11)]


def plan(finished: dict[str, np.ndarray], rows: int) -> Plan:
    scores = [ScoreColumn(name, Recipe("metrics", name, "x", "1"), name) for name in METRICS]
    column = ExplanationColumn("e", Recipe("explainers", "e", "x", "1"), "maps", scores)
    group = GroupPlan(DATA, MODEL, SUBJECT, None, None, [SampleRef(i, f"s{i}", "d") for i in range(rows)], [column], finished=finished)
    return Plan([group])


@pytest.mark.parametrize("seed", range(6))
def test_every_missing_score_is_in_one_job_and_no_finished_one_in_any(seed: int) -> None:
    generator = np.random.default_rng(seed)
    patterns = generator.random((3, len(METRICS))) < 0.5
    chosen = patterns[generator.integers(0, 3, 40)]
    finished = {name: chosen[:, k] for k, name in enumerate(METRICS)} | {"maps": np.ones(40, dtype=bool)}
    made = plan_jobs(plan(finished, 40), 7, None, "float32")
    asked = [(row.sample, task.key) for job in made for row in job.rows for task in job.metrics]
    missing = [(f"s{i}", name) for i in range(40) for k, name in enumerate(METRICS) if not chosen[i, k]]
    assert sorted(asked) == sorted(missing)
    assert all(len(job.rows) <= 7 for job in made)
    assert len(made) <= sum(-(-int((chosen == pattern).all(axis=1).sum()) // 7) for pattern in patterns)


def test_rows_whose_maps_alone_are_missing_are_explained() -> None:
    finished = {name: np.ones(5, dtype=bool) for name in METRICS} | {"maps": np.array([True, False, True, False, True])}
    (job,) = plan_jobs(plan(finished, 5), "auto", None, "float32")
    assert [row.sample for row in job.rows] == ["s1", "s3"] and job.metrics == []


def test_where_nothing_is_missing_there_is_no_job() -> None:
    assert plan_jobs(plan({name: np.ones(3, dtype=bool) for name in ["maps", *METRICS]}, 3), "auto", None, "float32") == []


def test_jobs_of_new_rows_are_in_the_order_of_the_data() -> None:
    made = plan_jobs(plan({}, 20), 8, None, "float32")
    assert [row.position for job in made for row in job.rows] == list(range(20))
    assert [len(job.rows) for job in made] == [8, 8, 4]


def test_the_costliest_explainer_is_first_by_what_was_measured_else_by_what_it_declares() -> None:
    def explainer(name: str, passes: float | None, seconds: float | None = None) -> ExplanationColumn:
        recipe = Recipe("explainers", name, "x", "1", {"name": name})
        return ExplanationColumn(name, recipe, name, [], passes=passes, seconds=seconds)

    def order(*columns: ExplanationColumn) -> list[str]:
        rows = [SampleRef(i, f"s{i}", "d") for i in range(2)]
        return [
            job.explainer for job in plan_jobs(Plan([GroupPlan(DATA, MODEL, SUBJECT, None, None, rows, columns)]), "auto", None, "float32")
        ]

    assert order(explainer("two", 2), explainer("nine", 9), explainer("unknown", None)) == ["nine", "two", "unknown"]
    slow, quick = explainer("slow", 2, 30.0), explainer("quick", 8, 0.8)
    assert order(quick, explainer("four", 4), slow) == ["slow", "four", "quick"]
