"""Sweeps: an entry for each combination of values, called by them, with what is wrong at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.registry.registry import Registry
from harness.spec.load import load_spec
from harness.spec.loaded_spec import LoadedSpec
from harness.spec.problems import SpecError
from harness.spec.schema import spec_schema
from tests.support.spec import SMALL, small_spec


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover([SMALL, SMALL.with_name("learner.py")])


def loaded(registry: Registry, **changes: Any) -> LoadedSpec:
    return load_spec(small_spec(**changes), registry)


def problems(registry: Registry, **changes: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        loaded(registry, **changes)
    return [str(problem) for problem in caught.value.problems]


def test_a_sweep_is_an_entry_for_each_combination_the_last_parameter_fastest(registry: Registry) -> None:
    entry = {"use": "learner", "sweep": {"epochs": [2, 5], "seed": {"from": 0, "to": 4, "step": 2}}, "params": {"data": "squares"}}
    found = loaded(registry, models=["pools", entry])
    assert [(recipe.params["epochs"], recipe.params["seed"]) for recipe in found.recipes.models[1:]] == [
        (2, 0),
        (2, 2),
        (2, 4),
        (5, 0),
        (5, 2),
        (5, 4),
    ]
    assert [recipe.label for recipe in found.recipes.models][:3] == ["pools", "learner epochs=2, seed=0", "learner epochs=2, seed=2"]
    assert found.factors("models", "learner epochs=5, seed=4") == {"epochs": "5", "seed": "4"}
    assert found.factors("models", "pools") == {}
    assert all(recipe.params["data"].name == "squares" for recipe in found.recipes.models[1:])


def test_components_are_swept_by_their_labels_and_one_value_names_nobody(registry: Registry) -> None:
    starts = [{"use": "pools", "params": {"scale": 2}}, {"use": "pools", "label": "steep", "params": {"scale": 9}}, "pools"]
    found = loaded(registry, models=[{"use": "learner", "label": "L", "sweep": {"start": starts, "seed": [3]}}])
    assert [recipe.label for recipe in found.recipes.models] == ["L start=pools", "L start=steep", "L start=pools (3)"]
    assert [recipe.params["start"].params["scale"] for recipe in found.recipes.models] == [2.0, 9.0, 4.0]
    assert found.factors("models", "L start=steep") == {"start": "steep", "seed": "3"}


@pytest.mark.parametrize(
    ("kind", "entry", "labels"),
    [
        ("datasets", {"use": "squares", "sweep": {"samples": [4, 6]}}, ["squares samples=4", "squares samples=6"]),
        ("explainers", {"use": "slope", "sweep": {"pause": [0, 0.5]}}, ["slope pause=0", "slope pause=0.5"]),
    ],
)
def test_all_lists_can_be_swept(registry: Registry, kind: str, entry: Any, labels: list[str]) -> None:
    found = loaded(registry, **{kind: [entry]})
    assert [recipe.label for recipe in getattr(found.recipes, kind)] == labels


def test_a_resolved_spec_has_the_entries_and_their_factors(registry: Registry, tmp_path: Path) -> None:
    found = loaded(registry, models=[{"use": "learner", "sweep": {"seed": [0, 1]}, "factors": {"group": "a"}}])
    (tmp_path / "resolved.yaml").write_text(found.to_yaml())
    again = load_spec(tmp_path / "resolved.yaml", registry)
    assert again.recipes == found.recipes
    assert again.factors("models", "learner seed=1") == {"group": "a", "seed": "1"}


WRONG = """name: wrong
datasets: [squares]
models:
  - use: learner
    sweep:
      seed: [0,
        one]
      epochs: {from: 3, to: 1}
  - use: learner
    label: b
    sweep: {seed: 4}
  - use: learner
    label: c
    sweep: {seed: [1, 2]}
    params:
      seed: 3
  - use: learner
    label: d
    sweep: {seed: [5,
      six]}
explainers: [slope]
metrics: [inside]
"""


def test_what_is_wrong_is_told_at_its_place(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "wrong.yaml", registry)
    found = {(problem.line, problem.column): problem.message for problem in caught.value.problems}
    assert "a range goes up from 3" in found[8, 15]
    assert "must be a list of values, or a range" in found[11, 19]
    assert "seed is swept, and stands among params too" in found[14, 19]
    assert "learner: " in found[20, 7] and "integer" in found[20, 7]
    assert len(found) == 4


def test_too_many_combinations_are_refused(registry: Registry) -> None:
    (said,) = problems(registry, models=[{"use": "learner", "sweep": {"seed": list(range(200)), "epochs": list(range(1, 100))}}])
    assert "has 19,800 combinations, and at most 10,000 are taken" in said


def test_settings_go_by_the_list_as_it_is_written(registry: Registry) -> None:
    spec = small_spec(models=[{"use": "learner", "sweep": {"seed": [0, 1]}}, "pools"])
    found = load_spec(spec, registry, [("models.1.params.scale", "7"), ("models.0.params.epochs", "9")])
    assert [recipe.params.get("scale", recipe.params.get("epochs")) for recipe in found.recipes.models] == [9, 9, 7.0]
    with pytest.raises(SpecError, match=r"--set models\.1\.params\.scal=7"):
        load_spec(spec, registry, [("models.1.params.scal", "7")])


def test_an_editor_s_schema_takes_sweeps() -> None:
    schema = spec_schema(Registry.discover([SMALL]))
    sweep = {"use": "pools", "sweep": {"scale": [1, 2]}}
    for values, fine in (([1, 2], True), ({"from": 0, "to": 3}, True), ({"from": 0}, False), (3, False), ([], False)):
        spec = small_spec(models=[{**sweep, "sweep": {"scale": values}}])
        assert jsonschema.Draft202012Validator(schema).is_valid(spec) is fine, values
