"""Wherever a mapping names a component a function or an object may stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import harness
from harness.api import Sample
from harness.registry.registry import Registry
from harness.spec import SpecError
from harness.spec.load import load_spec


def mine(model: Any, images: Any, targets: Any, *, power: float = 1.0) -> None:
    """An explainer."""


def tally(case: Any, *, top: int = 3) -> None:
    """A metric."""


def pictures(*, n: int = 3) -> list[Sample]:
    """A dataset."""
    return [Sample(torch.full((3, 8, 8), i / n), i % 2, f"s{i}") for i in range(n)]


SPEC: dict[str, Any] = {
    "name": "x",
    "datasets": ["lesions"],
    "models": ["lesions-vgg"],
    "explainers": ["lrp"],
    "metrics": ["road"],
    "nulls": [],
}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"datasets": [{"use": "lesions", "training": pictures}]}, lambda r: r.training["lesions"].params == {"n": 3}),
        (
            {"datasets": [{"use": pictures, "training": {"use": pictures, "params": {"n": 32}}}]},
            lambda r: (r.datasets[0].params, r.training["pictures"].params) == ({"n": 3}, {"n": 32}),
        ),
        ({"datasets": [pictures(n=2)]}, lambda r: len(r.datasets) == 1),
        ({"datasets": pictures(n=2)}, lambda r: len(r.datasets) == 1),
        ({"datasets": [{"use": pictures(n=2), "label": "two"}]}, lambda r: r.datasets[0].label == "two"),
        ({"explainers": mine}, lambda r: r.explainers[0].qualified == "session/mine"),
        ({"explainers": [{"use": mine, "params": {"power": np.float32(2)}}]}, lambda r: r.explainers[0].params == {"power": 2.0}),
        ({"nulls": [{"use": mine, "params": {"power": 2}}]}, lambda r: r.nulls[0].params == {"power": 2.0}),
        ({"metrics": [{"use": tally, "params": {"top": np.int64(5)}}]}, lambda r: r.metrics[0].params == {"top": 5}),
        (
            {"metrics": [{"use": "road", "params": {"fractions": np.array([0.5, 0.25])}}]},
            lambda r: r.metrics[0].params["fractions"] == [0.5, 0.25],
        ),
        (
            {"explainers": [{"use": "triad", "params": {"parts": {"a": {"use": mine, "params": {"power": 3}}, "b": mine}}}]},
            lambda r: [part.params["power"] for part in r.explainers[0].params["parts"].values()] == [3.0, 1.0],
        ),
    ],
)
def test_objects_stand_for_components(changes: dict[str, Any], found: Any, registry: Registry) -> None:
    assert found(load_spec({**SPEC, **changes}, registry).recipes)


def test_what_stands_beside_an_object_that_knows_its_recipe_goes_before_what_that_says(registry: Registry) -> None:
    class Bound:
        recipe = load_spec(
            {**SPEC, "explainers": [{"use": "lrp", "params": {"epsilon": 0.5, "rule": "epsilon"}}]}, registry
        ).recipes.explainers[0]

    parts = {"whole": {"use": Bound(), "params": {"epsilon": 0.25}}, "part": Bound()}
    found = load_spec(
        {**SPEC, "explainers": [{"use": Bound(), "params": {"epsilon": 0.25}}, {"use": "triad", "params": {"parts": parts}}]}, registry
    )
    alone, triad = found.recipes.explainers
    assert alone.params == triad.params["parts"]["whole"].params == {"epsilon": 0.25, "rule": "epsilon"}
    assert triad.params["parts"]["part"].params == {"epsilon": 0.5, "rule": "epsilon"}


def test_what_names_a_row_or_a_column_may_be_the_object_that_stands_there(registry: Registry) -> None:
    overrides = [{"explainer": mine, "params": {"power": 2}}, {"dataset": "lesions", "metric": tally, "params": {"top": 1}}]
    rows = ["lrp", {"use": mine, "label": "my own"}]
    loaded = load_spec({**SPEC, "explainers": rows, "metrics": [tally], "reference": mine, "overrides": overrides}, registry)
    assert loaded.reference == "my own"
    assert loaded.recipe_for("explainers", loaded.recipes.explainers[1]).params == {"power": 2.0}
    assert loaded.recipe_for("metrics", loaded.recipes.metrics[0], dataset="lesions").params == {"top": 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": [nn.Linear(2, 2)]}, "models.0: a network is no model yet: harness.classifier"),
        ({"datasets": [{"use": "lesions", "training": 3}]}, "training"),
        (
            {"datasets": [{"use": "lesions", "training": {"use": pictures, "params": {"m": 2}}}]},
            'datasets.0.training.params.m: pictures: unknown parameter "m"',
        ),
        ({"reference": mine}, "reference: must be a plain value"),
        ({"seed": mine}, "seed: must be a plain value"),
    ],
)
def test_objects_elsewhere_are_refused(changes: dict[str, Any], said: str, registry: Registry) -> None:
    with pytest.raises(SpecError) as error:
        load_spec({**SPEC, **changes}, registry)
    assert any(said in str(problem) for problem in error.value.problems)


@pytest.mark.parametrize("changes", [{"models": [nn.Linear(2, 2)]}, {"seed": mine}, {"metrics": [mine, "road"]}])
def test_what_is_wrong_with_an_object_is_said_once(changes: dict[str, Any], registry: Registry) -> None:
    with pytest.raises(SpecError) as error:
        load_spec({**SPEC, **changes}, registry)
    assert len(error.value.problems) == 1, error.value


# what the Python face raises

NETWORK = harness.classifier(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), input_shape=(3, 8, 8))


class Named(list[Sample]):
    """A dataset whose classes have names."""

    class_names = ("a", "b")


@pytest.mark.parametrize("source", [[1], 3, None], ids=repr)
def test_what_is_no_spec_is_a_spec_error(source: object) -> None:
    assert harness.SpecError is SpecError
    with pytest.raises(harness.SpecError, match="a spec is a file or a mapping, not"):
        harness.run(source)  # type: ignore[arg-type]


def test_classes_that_do_not_match_are_a_spec_error_with_all_of_them_and_their_places(tmp_path: Path) -> None:
    both = [{"use": Named(pictures()), "label": name} for name in ("first", "second")]
    spec = {"name": "x", "datasets": both, "models": [NETWORK], "explainers": ["saliency"], "metrics": ["sparseness"], "nulls": []}
    with pytest.raises(harness.SpecError) as error:
        harness.run(spec, store="memory://mismatch", out=tmp_path)
    said = [str(problem) for problem in error.value.problems]
    places = [f"spec: datasets.{i}: the dataset {name}" for i, name in enumerate(("first", "second"))]
    assert [line.split(" and the model")[0] for line in said] == places
    assert all("2 classes and the model 3" in line for line in said)


def test_a_class_that_is_not_there_is_a_spec_error_once(tmp_path: Path) -> None:
    both = [{"use": pictures(), "label": name} for name in ("first", "second")]
    spec = {"name": "x", "datasets": both, "models": [NETWORK], "explainers": ["saliency"], "metrics": ["sparseness"], "nulls": []}
    with pytest.raises(harness.SpecError) as error:
        harness.run({**spec, "explain": {"target": 3}}, store="memory://target", out=tmp_path)
    (problem,) = error.value.problems
    assert str(problem) == "spec: explain.target: class 3 is to be explained, and the model classifier has 0 to 2"


def test_a_problem_found_later_stands_at_its_line(tmp_path: Path, registry: Registry) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("name: x\ndatasets:\n  - lesions\nmodels: [lesions-vgg]\nexplainers: [lrp]\nmetrics: [road]\nnulls: []\n")
    assert str(load_spec(file, registry).problem(("datasets", 0), "is wrong")) == f"{file}:3:5: is wrong"


@pytest.mark.parametrize("limit", [0, -1, "2"], ids=repr)
def test_a_limit_that_is_none_is_refused(limit: Any) -> None:
    with pytest.raises(ValueError, match="limit must be a whole number of at least 1"):
        harness.run(SPEC, limit=limit)


def test_settings_may_be_a_mapping(tmp_path: Path) -> None:
    data = Named(pictures())
    spec = {"name": "x", "datasets": [data], "models": [NETWORK], "explainers": ["saliency"], "metrics": ["sparseness"], "nulls": []}
    class_map = {"datasets.0.class_map": {"a": 0, "b": 2}, "explain.target": 1}
    run = harness.run({**spec, "datasets": [{"use": data}]}, store="memory://settings", out=tmp_path, settings=class_map, limit=2)
    assert not run.failures and run.scores.num_rows == 2
