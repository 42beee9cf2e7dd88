"""``keep`` of models: which pools and levels it makes, and what is wrong with it at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.planning.keeping import levels_of
from harness.registry.registry import Registry
from harness.spec.load import load_spec
from harness.spec.problems import SpecError
from harness.spec.schema import spec_schema
from tests.support.spec import SMALL, small_spec

SPEC = """name: keeping
datasets: [squares]
models:
  - use: learner
    sweep: {epochs: [1, 2], seed: {from: 0, to: 2}}
    keep: KEEP
    params: {data: squares}
explainers: [slope]
metrics: [inside]
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover([SMALL, SMALL.with_name("learner.py")])


def levels(registry: Registry, *models: Any) -> list[tuple[str, list[str]]]:
    found = levels_of(load_spec(small_spec(models=list(models)), registry))
    return [(level.pool, [model.label for model in level.models]) for level in found]


def learner(label: str, seeds: int, **keep: Any) -> dict[str, Any]:
    sweep = {"epochs": [1, 2], "seed": {"from": 0, "to": seeds - 1}}
    return {"use": "learner", "label": label, "sweep": sweep, "params": {"data": "squares"}, "keep": {"best": 1, **keep}}


def test_a_sweep_is_a_pool_with_a_level_for_each_value_that_it_is_ranked_within(registry: Registry) -> None:
    assert levels(registry, "pools", learner("L", 2, within=["epochs"]), learner("M", 2)) == [
        ("L", ["L epochs=1, seed=0", "L epochs=1, seed=1"]),
        ("L", ["L epochs=2, seed=0", "L epochs=2, seed=1"]),
        ("M", [f"M epochs={epochs}, seed={seed}" for epochs in (1, 2) for seed in (0, 1)]),
    ]


def test_sweeps_of_one_label_are_pools_of_their_own(registry: Registry) -> None:
    other = {**learner("L", 1), "sweep": {"seed": [7, 8]}}
    assert [pool for pool, _ in levels(registry, learner("L", 1), other)] == ["L", "L (2)"]


def test_entries_that_are_written_out_are_a_pool_by_name(registry: Registry) -> None:
    entries = [
        {
            "use": "pools",
            "label": f"p{k}",
            "params": {"scale": k},
            "factors": {"size": size},
            "keep": {"best": 1, "within": ["size"], "among": "x"},
        }
        for k, size in ((1, "a"), (2, "b"), (3, "a"))
    ]
    assert levels(registry, *entries) == [("x", ["p1", "p3"]), ("x", ["p2"])]
    entries[2]["keep"] = {"best": 2, "among": "x"}
    with pytest.raises(SpecError, match="ranked in two ways"):
        levels(registry, *entries)


def test_a_resolved_spec_ranks_alike(registry: Registry, tmp_path: Path) -> None:
    found = load_spec(small_spec(models=[learner("L", 2, within=["epochs"]), {**learner("L", 1), "sweep": {"seed": [7, 8]}}]), registry)
    (tmp_path / "resolved.yaml").write_text(found.to_yaml())
    assert levels_of(load_spec(tmp_path / "resolved.yaml", registry)) == levels_of(found)


@pytest.mark.parametrize(
    ("keep", "column", "said"),
    [
        ("{bset: 2, best: 1}", 12, 'unknown key "bset"; did you mean "best"?'),
        ("{by: test-accuracy}", 11, "best"),
        ("{best: 0}", 18, "best"),
        ("{best: 1, by: accuracy}", 25, "test-accuracy"),
        ("{best: 1, within: [epoch]}", 30, 'epoch is swept by nobody here; did you mean "epochs"? (swept: epochs, seed)'),
        ("{best: 1, by: validation-accuracy}", 25, "learner is not trained with `validation` data here"),
        ("3", 11, "keep"),
    ],
)
def test_what_is_wrong_is_said_once_at_its_place(registry: Registry, tmp_path: Path, keep: str, column: int, said: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC.replace("KEEP", keep))
    with pytest.raises(SpecError) as caught:
        load_spec(file, registry)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (6, column)
    assert said in problem.message


@pytest.mark.parametrize("kind", ["datasets", "explainers", "metrics"])
def test_models_alone_are_ranked(registry: Registry, kind: str) -> None:
    name = {"datasets": "squares", "explainers": "slope", "metrics": "inside"}[kind]
    with pytest.raises(SpecError, match='unknown key "keep"'):
        load_spec(small_spec(**{kind: [{"use": name, "keep": {"best": 1}}]}), registry)


def test_the_schema_for_editors_has_it(registry: Registry) -> None:
    validator = jsonschema.Draft202012Validator(spec_schema(registry))
    assert not list(validator.iter_errors(small_spec(models=[learner("L", 2, within=["epochs"])])))
    assert list(validator.iter_errors(small_spec(models=[learner("L", 2, by="luck")])))
    assert list(validator.iter_errors(small_spec(explainers=[{"use": "slope", "keep": {"best": 1}}])))
