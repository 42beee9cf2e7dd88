"""Facts that planning needs: remembered in the store, else asked of a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import fields
from typing import Any

from harness.planning.facts import DatasetFacts, ModelFacts, memo_key
from harness.registry.recipe import Recipe
from harness.store.store import Store

Ask = Callable[[Mapping[str, Any]], Any]


class RememberedFacts:
    """Implements `harness.planning.plan.Inspector`; ``ask`` sends a request to a worker and raises `Unavailable`."""

    def __init__(self, store: Store, ask: Ask) -> None:
        self._store = store
        self._ask = ask
        self._known: dict[str, Any] = {}  # a plan asks for the same ones again and again, and a store may be far away

    def dataset(self, recipe: Recipe) -> DatasetFacts:
        """Facts of a dataset."""
        request = {"ask": "dataset", "recipe": recipe.to_json()}
        return DatasetFacts(**self._fact(memo_key("dataset", recipe), request, _names(DatasetFacts)))

    def model(self, recipe: Recipe) -> ModelFacts:
        """Facts of a model."""
        return ModelFacts(**self._fact(memo_key("model", recipe), {"ask": "model", "recipe": recipe.to_json()}, _names(ModelFacts)))

    def training(self, recipe: Recipe, seed: int, labelled: int) -> str:
        """Digest of a training split: of backgrounds, or of as many samples with their labels."""
        request = {"ask": "training", "recipe": recipe.to_json(), "seed": seed, "labelled": labelled}
        return str(self._fact(memo_key("training", recipe, seed=seed, labelled=labelled), request))

    def verdict(self, model: Recipe, content: str, explainer: Recipe) -> Mapping[str, Any]:
        """What an explainer says of a model of this content."""
        key = memo_key("verdict", model, explainer, content=content)
        request = {"ask": "verdict", "recipe": explainer.to_json(), "model": model.to_json()}
        found: Mapping[str, Any] = self._fact(key, request, {"reason", "passes"})
        return found

    def passes(self, metric: Recipe) -> float | None:
        """What a metric declares."""
        found = self._fact(memo_key("passes", metric), {"ask": "passes", "recipe": metric.to_json()}, {"passes"})["passes"]
        return None if found is None else float(found)

    def _fact(self, key: str, request: Mapping[str, Any], names: Set[str] | None = None) -> Any:
        """What is remembered, else asked for and remembered; with ``names`` an object of other fields is as good as forgotten."""
        if key not in self._known:
            self._known[key] = self._found(key, request, names)
        return self._known[key]

    def _found(self, key: str, request: Mapping[str, Any], names: Set[str] | None) -> Any:
        known = self._store.fact(key)
        if known is None or (names is not None and (not isinstance(known, Mapping) or set(known) != names)):
            known = self._ask(request)
            self._store.remember(key, known)
        return known


def _names(facts: type[DatasetFacts | ModelFacts]) -> set[str]:
    return {field.name for field in fields(facts)}
