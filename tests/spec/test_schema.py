"""The editors' schema takes what loads and refuses what does not."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.registry.registry import Registry
from harness.spec.load import load_spec
from harness.spec.schema import spec_schema
from harness.spec.yaml_document import parse_yaml


@pytest.fixture
def validator(registry: Registry) -> Draft202012Validator:
    schema = spec_schema(registry)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def errors(validator: Draft202012Validator, spec: Any) -> list[tuple[str, str]]:
    return [(".".join(map(str, error.absolute_path)), error.validator) for error in validator.iter_errors(spec)]


def test_the_quickstarts_form_is_valid(validator: Draft202012Validator, quickstart: str, registry: Registry) -> None:
    assert errors(validator, parse_yaml(quickstart, "x").data) == []
    resolved = parse_yaml(load_spec(parse_yaml(quickstart, "x").data, registry).to_yaml(), "x").data
    assert errors(validator, resolved) == []


GOOD: list[dict[str, Any]] = [
    {"nulls": ["random-model", {"use": "random-model"}, "sobel"]},
    {"explainers": ["one/twice", {"use": "two/twice", "label": "2", "params": {"layer": "x"}}, "acme/lrp"]},
    {"explainers": [{"use": "triad", "params": {"parts": {"a": "lrp", "b": {"use": "lrp", "params": {"epsilon": 1}}}}}]},
    {"execution": {"timeout": 30, "workers": 2, "devices": ["cpu"], "batch": "auto"}},
    {"execution": {"prefetch": True}},
    {"execution": {"prefetch": "auto"}},
    {"models": [{"use": "torchvision", "params": {"arch": "vgg16"}}]},
    {"datasets": [{"use": "lesions", "training": "lesions", "class_map": {"a": 0}}]},
    {"meta": {}},
    {"meta": {"repeats": 2, "inputs": {"disruptive": 1}, "weights": {"minor": 0.01, "disruptive": 3.0}}},
    {"overrides": [{"model": "*", "explainer": "lrp", "params": {}}], "reference": None, "store": {"attributions": 3}},
]


@pytest.mark.parametrize("changes", GOOD)
def test_what_loads_is_valid(changes: dict[str, Any], validator: Draft202012Validator, quickstart: str, registry: Registry) -> None:
    spec = {**parse_yaml(quickstart, "x").data, "reference": None, **changes}
    load_spec(spec, registry)
    assert errors(validator, spec) == []


NESTED = {"use": "lrp", "params": {"rule": 1}}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"seeed": 1}, ""),
    ({"execution": {"prefetch": "yes"}}, "execution.prefetch"),
    ({"explainers": ["gradcam"]}, "explainers.0"),
    ({"explainers": ["twice"]}, "explainers.0"),
    ({"explainers": ["broken"]}, "explainers.0"),
    ({"models": ["torchvision"]}, "models.0"),
    ({"models": [{"use": "torchvision"}]}, "models.0"),
    ({"explainers": [{"use": "lrp", "params": {"epsilon": 0}}]}, "explainers.0.params.epsilon"),
    ({"explainers": [{"use": "acme/lrp", "params": {"epsilonn": 1}}]}, "explainers.0.params"),
    ({"explainers": [{"use": "triad", "params": {"parts": {"a": NESTED}}}]}, "explainers.0.params.parts.a.params.rule"),
    ({"explainers": [{"use": "triad", "params": {"parts": {"a": "road"}}}]}, "explainers.0.params.parts.a"),
    ({"metrics": [{"use": "lrp"}]}, "metrics.0.use"),
    ({"execution": {"executor": "lokal"}}, "execution.executor"),
    ({"execution": {"timeout": "ten"}}, "execution.timeout"),
    ({"explain": {"target": -1}}, "explain.target"),
    ({"models": []}, "models"),
]


@pytest.mark.parametrize(("changes", "at"), BAD)
def test_what_does_not_load_is_refused_at_its_place(
    changes: dict[str, Any], at: str, validator: Draft202012Validator, quickstart: str
) -> None:
    found = errors(validator, {**parse_yaml(quickstart, "x").data, **changes})
    assert at in [place for place, _ in found]
