"""Networks that metrics have trained: which there are for an explainer, and that their keys follow all that they are trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.planning.retrained_networks import for_explainer, retrains, trained_parts, unfit_network
from harness.planning.training_key import training_key
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.store.store import Store
from tests.planning.test_training_key import KnownFacts

NETWORK = {"use": "trained", "params": {"arch": "digits-cnn", "data": {"use": "digits", "params": {"split": "train"}}}}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


def recipes(registry: Registry, network: Any = NETWORK) -> tuple[Recipe, Recipe, Recipe]:
    metric = resolve(registry, "metrics", {"use": "roar", "params": {"network": network, "shares": [0.2, 0.6]}})
    return metric, resolve(registry, "explainers", "gradient"), resolve(registry, "models", "digits-cnn")


def test_there_is_a_network_for_each_value(registry: Registry) -> None:
    metric, explainer, model = recipes(registry)
    assert retrains(registry, metric) and unfit_network(registry, metric) is None
    first, second = for_explainer(registry, metric, explainer, model).nested
    assert [part.params["removed"] for part in (first, second)] == [0.2, 0.6]
    assert all(part.params["explainer"] == explainer and part.params["explained"] == model for part in (first, second))
    assert first.label == "roar · gradient · digits-cnn · 0.2"
    written = first.reference(lambda part: part.name)
    assert written["params"]["order"] == "most" and written["params"]["data"] == {
        "use": "digits",
        "params": {"split": "train", "samples": None},
    }
    kept = resolve(registry, "metrics", {"use": "kar", "params": {"network": NETWORK}})
    assert {part.params["order"] for part in for_explainer(registry, kept, explainer, model).nested} == {"least"}


def test_other_metrics_stay_as_they_are(registry: Registry) -> None:
    _, explainer, model = recipes(registry)
    metric = resolve(registry, "metrics", "road")
    assert not retrains(registry, metric) and not list(trained_parts(registry, metric))
    assert for_explainer(registry, metric, explainer, model) is metric


def test_a_model_that_is_not_trained_is_refused_in_words(registry: Registry) -> None:
    metric, _, _ = recipes(registry, "digits-cnn")
    assert unfit_network(registry, metric) == (
        "network must be one network to train with the parameters explained, explainer, order, removed, such as trained"
    )


def test_trained_parts_are_those_that_begin_with_no_other(registry: Registry) -> None:
    """A network that begins with a trained one stands for both: its key has the other's in it."""
    inner = {"use": "trained", "params": {**NETWORK["params"], "seed": 1}}  # type: ignore[dict-item]
    metric, explainer, model = recipes(registry, {"use": "trained", "params": {**NETWORK["params"], "init": inner}})  # type: ignore[dict-item]
    found = list(trained_parts(registry, for_explainer(registry, metric, explainer, model)))
    assert [part.params["removed"] for part in found] == [0.2, 0.6]


def test_the_key_of_a_network_follows_explainer_and_share(registry: Registry, tmp_path: Path) -> None:
    metric, explainer, model = recipes(registry)
    steep = resolve(registry, "explainers", {"use": "smooth-grad", "params": {"draws": 4}})
    store, facts = Store(tmp_path / "store"), KnownFacts()
    found = [
        training_key(registry, store, facts, part)  # type: ignore[arg-type]
        for by in (explainer, steep)
        for part in for_explainer(registry, metric, by, model).nested
    ]
    assert len(set(found)) == 4
