"""Datasets and models as parameters: of the kind that the annotation says, resolved and bound as explainers are."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch
from torch import nn

from harness.api import Classifier, Dataset, Explainer, Sample, classifier
from harness.registry.errors import ParameterError, ReferenceProblems
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.spec.schema import spec_schema
from harness.worker.component_cache import ComponentCache


def points(*, samples: int = 3) -> list[Sample]:
    return [Sample(torch.full((1, 2, 2), index / 10), 0, f"point-{index}") for index in range(samples)]


def plain(*, bias: float = 0.0) -> Classifier:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    nn.init.zeros_(network[1].weight)
    network[1].weight.data[0] = 1
    nn.init.constant_(network[1].bias, bias)
    return classifier(network, input_shape=(1, 2, 2))


def shifted(*, over: Classifier | Literal["none"] = "none", data: Dataset | None = None, both: list[Classifier] = []) -> Classifier:  # noqa: B006
    assert isinstance(over, Classifier)
    return plain(bias=float(over.module[1].bias[0]) + (0 if data is None else len(data)) + len(both))  # type: ignore[index, arg-type]


def seen(model: Classifier, images: Any, targets: Any, *, other: Classifier, data: Dataset = "points") -> Any:  # type: ignore[assignment]
    return images[:, 0] * float(other.module[1].bias[0]) + len(data)  # type: ignore[index, arg-type]


def explained(*, by: Explainer = "seen") -> Classifier: ...  # type: ignore[assignment, empty-body]


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = Registry.discover()
    for kind, component in (("datasets", points), ("models", plain), ("models", shifted), ("models", explained), ("explainers", seen)):
        registry.register(kind, component)  # type: ignore[arg-type]
    return registry


def problems(registry: Registry, **params: Any) -> list[tuple[Any, str]]:
    with pytest.raises(ReferenceProblems) as caught:
        resolve(registry, "models", {"use": "shifted", "params": params})
    return [(problem.at, problem.message) for problem in caught.value.problems]


def test_a_reference_is_of_the_kind_that_the_parameter_takes(registry: Registry) -> None:
    found = resolve(
        registry, "models", {"use": "shifted", "params": {"over": "plain", "data": {"use": "points", "params": {"samples": 5}}}}
    )
    over, data = found.params["over"], found.params["data"]
    assert isinstance(over, Recipe) and isinstance(data, Recipe)
    assert (over.kind, over.params, data.kind, data.params) == ("models", {"bias": 0.0}, "datasets", {"samples": 5})
    assert Recipe.from_json(found.to_json()) == found
    changed = resolve(registry, "models", {"use": "shifted", "params": {"over": {"use": "plain", "params": {"bias": 1}}, "data": "points"}})
    assert changed.digest != found.digest


def test_what_is_wrong_inside_is_told_with_its_place(registry: Registry) -> None:
    found = problems(registry, over={"use": "plain", "params": {"bas": 1}}, data="point", both=["plain", {"use": "points"}])
    assert [at for at, _ in found] == [("params", "over", "params", "bas"), ("params", "data"), ("params", "both", 1, "use")]
    assert 'did you mean "points"?' in found[1][1]
    assert 'unknown model "points"' in found[2][1]


def test_components_are_given_what_their_parameters_name(registry: Registry) -> None:
    params = {"over": {"use": "plain", "params": {"bias": 2}}, "data": {"use": "points", "params": {"samples": 4}}, "both": ["plain"]}
    cache = ComponentCache(registry)
    model = cache.model(resolve(registry, "models", {"use": "shifted", "params": params}))
    assert float(model.module[1].bias[0]) == 2 + 4 + 1  # type: ignore[index, arg-type]
    recipe = resolve(registry, "explainers", {"use": "seen", "params": {"other": {"use": "plain", "params": {"bias": 3}}}})
    images = torch.full((1, 1, 2, 2), 0.5)
    assert cache.explainer(recipe)(model, images, torch.tensor([0])).map.tolist() == [[[4.5, 4.5], [4.5, 4.5]]]


def test_models_take_no_explainers(registry: Registry) -> None:
    recipe = resolve(
        registry, "models", {"use": "explained", "params": {"by": {"use": "seen", "params": {"other": {"use": "plain", "params": {}}}}}}
    )
    with pytest.raises(ParameterError, match="seen: only explainers and metrics take explainers as parameters"):
        ComponentCache(registry).model(recipe)


def test_an_editor_s_schema_knows_the_kinds() -> None:
    schema = str(spec_schema(Registry.discover()))
    assert "'data': {" in schema and "#/$defs/dataset'" in schema and "#/$defs/model'" in schema
