"""Facts that planning needs: remembered in the store, else asked of a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import fields
from typing import Any

from harness.planning.contents import Contents, hinted
from harness.planning.facts import DatasetFacts, ModelFacts, TrainingFacts, memo_key
from harness.registry.recipe import Recipe
from harness.store.store import Store

Ask = Callable[[Mapping[str, Any]], Any]


class RememberedFacts:
    """Implements `harness.planning.plan.Inspector`; ``ask`` sends a request to a worker and raises `Unavailable`."""

    def __init__(self, store: Store, ask: Ask) -> None:
        self._store = store
        self._ask = ask
        self._contents = Contents(store)
        self._known: dict[str, Any] = {}  # a plan asks for the same ones again and again, and a store may be far away

    def dataset(self, recipe: Recipe) -> DatasetFacts:
        """Facts of a dataset."""

        def ask() -> Any:
            found = self._ask({"ask": "dataset", "recipe": recipe.to_json(), "known": self._contents.of(recipe)})
            self._contents.add(recipe, hinted(zip(found["ids"], found["digests"], strict=True)))
            return found

        return DatasetFacts(**self._fact(memo_key("dataset", recipe), ask, _names(DatasetFacts)))

    def model(self, recipe: Recipe) -> ModelFacts:
        """Facts of a model."""
        request = {"ask": "model", "recipe": recipe.to_json()}
        return ModelFacts(**self._fact(memo_key("model", recipe), lambda: self._ask(request), _names(ModelFacts)))

    def training(self, recipe: Recipe, seed: int, labelled: int) -> TrainingFacts:
        """Facts of a training split: of backgrounds, or of as many samples with their labels."""
        request = {"ask": "training", "recipe": recipe.to_json(), "seed": seed, "labelled": labelled}

        def ask() -> Any:
            found = self._ask({**request, "known": self._contents.of(recipe)})
            self._contents.add(recipe, found["hinted"])
            return found

        key = memo_key("training", recipe, seed=seed, labelled=labelled)
        return TrainingFacts(**self._fact(key, ask, _names(TrainingFacts)))

    def verdict(self, model: Recipe, content: str, explainer: Recipe) -> Mapping[str, Any]:
        """What an explainer says of a model of this content."""
        key = memo_key("verdict", model, explainer, content=content)
        request = {"ask": "verdict", "recipe": explainer.to_json(), "model": model.to_json()}
        found: Mapping[str, Any] = self._fact(key, lambda: self._ask(request), {"reason", "passes"})
        return found

    def passes(self, metric: Recipe) -> float | None:
        """What a metric declares."""
        request = {"ask": "passes", "recipe": metric.to_json()}
        found = self._fact(memo_key("passes", metric), lambda: self._ask(request), {"passes"})["passes"]
        return None if found is None else float(found)

    def _fact(self, key: str, ask: Callable[[], Any], names: Set[str]) -> Any:
        """What is remembered, else asked for and remembered; an object of other fields than ``names`` is as good as forgotten."""
        if key not in self._known:
            self._known[key] = self._found(key, ask, names)
        return self._known[key]

    def _found(self, key: str, ask: Callable[[], Any], names: Set[str]) -> Any:
        known = self._store.fact(key)
        if not isinstance(known, Mapping) or set(known) != names:
            known = ask()
            self._store.remember(key, known)
        return known


def _names(facts: type[DatasetFacts | ModelFacts | TrainingFacts]) -> set[str]:
    return {field.name for field in fields(facts)}
