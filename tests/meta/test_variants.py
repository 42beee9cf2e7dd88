"""What a plan adds where the metrics are to be evaluated: variants with keys of their own, after all else, and none without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.planning.jobs import Job
from harness.planning.plan import Plan
from harness.planning.sharding import plan_jobs
from harness.registry.registry import Registry
from harness.runs.run import Run
from harness.spec.load import load_spec
from tests.support.spec import SMALL, small_spec


def planned(folder: Path, **changes: Any) -> Plan:
    registry = Registry.discover([SMALL])
    run = Run(load_spec(small_spec(**changes), registry), registry, folder / "out", folder / "store", plugins=[SMALL])
    return run.plan()


def keys_of(plan: Plan) -> set[str]:
    columns = [column for group in plan.groups for column in group.columns]
    return {column.key for column in columns} | {score.key for column in columns for score in column.scores}


def test_without_meta_there_are_no_variants_and_with_it_no_key_changes(tmp_path: Path) -> None:
    without, having = planned(tmp_path), planned(tmp_path, meta={})
    assert list(without.variants) == []
    assert keys_of(having) == keys_of(without)
    assert len(having.variants) == 2 * 2 * 5 + 1


def test_the_default_scales_are_the_papers(tmp_path: Path) -> None:
    variants = [group.variant for group in planned(tmp_path, meta={}).variants]
    scales = {(variant.kind, variant.strength): variant.scale for variant in variants if variant.strength}
    assert scales == {
        ("inputs", "minor"): 0.001,
        ("inputs", "disruptive"): 5.0,
        ("weights", "minor"): 0.001,
        ("weights", "disruptive"): 2.0,
    }


def test_variants_have_the_explainers_alone_and_the_oracle_for_itself(tmp_path: Path) -> None:
    plan = planned(tmp_path, meta={"repeats": 1}, nulls=["speckle", "random-model"])
    *disturbed, oracle = plan.variants
    for group in disturbed:
        assert [column.label for column in group.columns] == ["slope", "contrast", "both"]
        assert list(group.rows) == list(plan.groups[0].rows)
    assert [(column.label, column.variant.kind) for column in oracle.columns] == [("oracle", "oracle")]
    assert [score.label for score in oracle.columns[0].scores] == ["inside", "drop", "wobble"]


def test_every_column_of_every_variant_has_its_own_key(tmp_path: Path) -> None:
    plan = planned(tmp_path, meta={"repeats": 2})
    columns = [column for group in plan.everything for column in group.columns]
    found = [column.key for column in columns] + [score.key for column in columns for score in column.scores]
    found += [key for group in plan.variants if group.subject and (key := group.subject.variant_prediction_key)]
    assert len(set(found)) == len(found)
    twice = planned(tmp_path, meta={"repeats": 2, "weights": {"minor": 0.01}})
    changed = {key for group in twice.variants for key in [c.key for c in group.columns]} - {c.key for c in columns}
    assert len(changed) == 2 * 3, "another scale is another column, of its own kind and strength alone"


def test_variants_come_after_the_groups_and_keep_no_maps(tmp_path: Path) -> None:
    plan = planned(tmp_path, meta={"repeats": 1})
    work = plan_jobs(plan, "auto", None, "float32")
    disturbed = [job.subject.variant.altered for job in work]
    assert disturbed == sorted(disturbed)
    assert {job.keep for job, variant in zip(work, disturbed, strict=True) if variant} == {0}
    assert {job.keep for job, variant in zip(work, disturbed, strict=True) if not variant} == {None}


def test_a_composition_in_a_variant_may_recall_the_variants_maps_and_no_others(tmp_path: Path) -> None:
    plan = planned(tmp_path, meta={"repeats": 1})
    for group in plan.everything:
        assert group.subject is not None
        assert set(group.subject.stored.values()) == {column.key for column in group.columns}


def test_jobs_travel_as_json(tmp_path: Path) -> None:
    for job in plan_jobs(planned(tmp_path, meta={"repeats": 1}), "auto", None, "float32"):
        assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job
