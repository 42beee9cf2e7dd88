"""Settings that an executor's plugin adds to ``execution``: checked as any others, kept, and given to the executor."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from harness.registry.binding import bind_executor
from harness.registry.card import Card
from harness.registry.component_facts import describe_component
from harness.registry.errors import SignatureError
from harness.registry.registry import Registry
from harness.spec.load import load_spec
from harness.spec.problems import SpecError
from harness.spec.schema import spec_schema
from harness.spec.yaml_document import parse_yaml


class Cluster:
    """Works elsewhere."""

    class Params(BaseModel):
        """Args:
        address: where.
        """

        address: str = "auto"
        nodes: Annotated[int, Field(ge=1)] = 2

    def __init__(self, settings: Any, registry: Any, params: Params) -> None:
        self.made_from = (settings, registry, params)


def queue(settings: Any, registry: Any, *, partition: str) -> tuple[Any, ...]:
    """Works later."""
    return settings, registry, partition


def greedy(settings: Any, registry: Any, *, workers: int = 3) -> None:
    """Takes a name that the harness has itself."""


def executor(name: str, component: Any, **more: Any) -> Card:
    return Card("executors", name, "acme", "1.0", f"acme:{name}", identity=name, **{**describe_component("executors", component), **more})


@pytest.fixture
def registry(cards: list[Card]) -> Registry:
    broken = executor("broken-cluster", Cluster, error="ImportError: no moon")
    return Registry([*cards, executor("cluster", Cluster), executor("queue", queue), executor("greedy", greedy), broken])


def spec(quickstart: str, execution: dict[str, Any]) -> dict[str, Any]:
    return {**parse_yaml(quickstart, "x").data, "execution": execution}


def test_settings_reach_the_spec_with_their_defaults_and_run_again(quickstart: str, registry: Registry) -> None:
    loaded = load_spec(spec(quickstart, {"executor": "cluster", "workers": 3}), registry, [("execution.address", "10.0.0.1:6379")])
    assert loaded.spec.execution.workers == 3
    assert loaded.spec.execution.model_extra == {"address": "10.0.0.1:6379", "nodes": 2}
    again = load_spec(parse_yaml(loaded.to_yaml(), "x").data, registry)
    assert again.spec.execution == loaded.spec.execution


def test_without_an_executor_that_takes_them_there_are_none(quickstart: str, registry: Registry) -> None:
    assert load_spec(spec(quickstart, {}), registry).spec.execution.model_extra == {}


@pytest.mark.parametrize(
    ("execution", "said"),
    [
        ({"executor": "cluster", "adress": "x"}, 'unknown key "adress"; did you mean "address"?'),
        ({"executor": "cluster", "nodes": 0}, "nodes must be an integer ≥ 1, not 0"),
        ({"executor": "cluster", "address": 7}, "address must be a string, not 7"),
        ({"executor": "local", "address": "x"}, 'unknown key "address"'),
        ({"address": "x"}, 'unknown key "address"'),
        ({"executor": "queue"}, "partition is missing"),
        ({"executor": "greedy"}, 'the executor "greedy" has settings by names that `execution` has itself: workers'),
        ({"executor": "clutser", "address": "x"}, 'unknown executor "clutser"; did you mean "cluster"?'),
        ({"executor": "broken-cluster", "address": "x"}, 'executor "broken-cluster" of acme 1.0 is broken: ImportError: no moon'),
    ],
)
def test_what_is_wrong_is_said_once(quickstart: str, registry: Registry, execution: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as error:
        load_spec(spec(quickstart, execution), registry)
    (problem,) = error.value.problems
    assert said in problem.message


@pytest.mark.parametrize(
    ("execution", "fine"),
    [
        ({"executor": "cluster", "address": "x"}, True),
        ({"executor": "acme/queue", "partition": "gpu"}, True),
        ({"executor": "local"}, True),
        ({}, True),
        ({"executor": "queue"}, False),
        ({"executor": "queue", "partition": "gpu", "address": "x"}, False),
        ({"address": "x"}, False),
        ({"executor": "cluster", "nodes": 0}, False),
    ],
)
def test_the_editors_schema_knows_them(quickstart: str, registry: Registry, execution: dict[str, Any], fine: bool) -> None:
    schema = spec_schema(registry)
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(spec(quickstart, execution)) is fine


def test_an_executor_is_given_what_it_takes() -> None:
    settings, registry = object(), object()
    made = bind_executor(Cluster, {"address": "x", "nodes": 3})(settings, registry)
    assert made.made_from[:2] == (settings, registry)
    assert made.made_from[2].model_dump() == {"address": "x", "nodes": 3}
    assert bind_executor(queue, {"partition": "gpu"})(settings, registry) == (settings, registry, "gpu")


@pytest.mark.parametrize("name", ["inline", "local"])
def test_the_harness_s_own_executors_are_what_their_cards_say(name: str) -> None:
    registry = Registry()
    card = registry.card("executors", name)
    described = describe_component("executors", registry.load(card))
    assert (card.parameters["properties"], card.summary) == (described["parameters"]["properties"], described["summary"])


def test_an_executor_of_another_form_is_broken() -> None:
    with pytest.raises(SignatureError, match=r"an executor is made from \(settings, registry\), found \(settings\)"):
        describe_component("executors", lambda settings: None)
