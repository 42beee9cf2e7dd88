"""The key of a training changes with all that can change what is learnt, and with nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.planning.facts import DatasetFacts, ModelFacts
from harness.planning.training_key import training_key
from harness.registry.declared_needs import is_trained
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.store.store import Store
from tests.support.spec import SMALL

FACTS = DatasetFacts(ids=["a", "b"], digests=["1", "2"], labels=[0, 1], class_names=["left", "right"], evidence={})
MODEL = ModelFacts("d", 2, None, [3, 12, 12], None, None, [], 5)


class KnownFacts:
    """Facts that a test states, of every recipe the same."""

    def __init__(self, dataset: DatasetFacts = FACTS, model: ModelFacts = MODEL) -> None:
        self._dataset, self._model = dataset, model

    def dataset(self, recipe: Recipe) -> DatasetFacts:
        return self._dataset

    def model(self, recipe: Recipe) -> ModelFacts:
        return self._model


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover([SMALL, SMALL.with_name("learner.py")])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def learner(registry: Registry, **params: Any) -> Recipe:
    return resolve(registry, "models", {"use": "learner", "params": {"data": "squares", **params}})


def key(registry: Registry, store: Store, facts: Mapping[str, Any] | None = None, **params: Any) -> str:
    return training_key(registry, store, KnownFacts(**(facts or {})), learner(registry, **params))  # type: ignore[arg-type]


def test_what_changes_what_is_learnt_changes_the_key(registry: Registry, store: Store) -> None:
    nested = {"use": "learner", "params": {"seed": 1}}
    others = [
        key(registry, store, seed=1),
        key(registry, store, epochs=5),
        key(registry, store, data={"use": "squares", "params": {"samples": 9}}),
        key(registry, store, {"dataset": replace(FACTS, digests=["1", "3"])}),
        key(registry, store, {"dataset": replace(FACTS, digests=["2", "1"])}),
        key(registry, store, {"dataset": replace(FACTS, labels=[1, 0])}),
        key(registry, store, {"dataset": replace(FACTS, class_names=["right", "left"])}),
        key(registry, store, start="pools"),
        key(registry, store, {"model": replace(MODEL, digest="e")}, start="pools"),
        key(registry, store, {"model": replace(MODEL, files="f")}, start="pools"),
        key(registry, store, start="learner"),
        key(registry, store, start=nested),
    ]
    assert len({key(registry, store), *others}) == len(others) + 1


def test_what_does_not_change_it_changes_nothing(registry: Registry, store: Store) -> None:
    same = replace(FACTS, notes=["read me"], evidence={"mask": "raster"})
    assert key(registry, store, {"dataset": same}) == key(registry, store)
    labelled = learner(registry).labelled("mine")
    assert training_key(registry, store, KnownFacts(), labelled) == key(registry, store)  # type: ignore[arg-type]
    assert key(registry, store, {"model": replace(MODEL, digest="e")}) == key(registry, store)


def test_what_a_training_begins_with_is_known_by_its_own_training(registry: Registry, store: Store) -> None:
    """Not by its weights, so that its key is known before it is trained."""
    other = {"model": replace(MODEL, digest="e")}
    assert key(registry, store, other, start="learner") == key(registry, store, start="learner")


def test_a_model_is_trained_if_it_declares_so(registry: Registry) -> None:
    assert is_trained(registry, learner(registry))
    assert not is_trained(registry, resolve(registry, "models", "pools"))
    assert not is_trained(registry, resolve(registry, "datasets", "squares"))
