"""Facts that planning needs: remembered in the store, else asked of a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import fields
from functools import partial
from typing import Any, cast

from harness.planning.answer_comparison import answers_match
from harness.planning.facts import DatasetFacts, ModelFacts, TrainingFacts, fact_key
from harness.planning.sample_digests import SampleDigests, select_noise_dependent
from harness.registry.file_states import files_unchanged
from harness.registry.recipe import Recipe
from harness.store.store import Store

AskWorker = Callable[[Mapping[str, Any]], Mapping[str, Any]]
FinishValue = Callable[[Any, str | None], Any]


def _keep_value(value: Any, content: str | None) -> Any:
    return value


class RememberedFacts:
    """Implements `harness.planning.inspector.Inspector`; ``ask`` sends a request to a worker and raises `Unavailable`.

    What is remembered counts for as long as all files that were read to find it out are as they were.
    """

    def __init__(self, store: Store, ask: AskWorker) -> None:
        self._store = store
        self._ask = ask
        self._contents = SampleDigests(store)
        self._known: dict[str, Any] = {}  # a plan asks for the same ones again and again, and a store may be far away

    def dataset(self, recipe: Recipe) -> DatasetFacts:
        """Facts of a dataset."""

        def ask() -> Any:
            answer = self._ask({"ask": "dataset", "recipe": recipe.to_json(), "known": self._contents.of(recipe)})
            found = answer["value"]
            self._contents.add(recipe, select_noise_dependent(zip(found["ids"], found["digests"], strict=True)))
            return answer

        return DatasetFacts(**self._fact(fact_key("dataset", recipe), ask, _field_names(DatasetFacts)))

    def model(self, recipe: Recipe) -> ModelFacts:
        """Facts of a model."""
        request = {"ask": "model", "recipe": recipe.to_json()}
        told_apart = partial(self._with_generation, recipe)
        return ModelFacts(**self._fact(fact_key("model", recipe), lambda: self._ask(request), _field_names(ModelFacts), told_apart))

    def _with_generation(self, recipe: Recipe, value: Mapping[str, Any], content: str | None) -> Mapping[str, Any]:
        """A model's facts, with the files that it was made of and its generation.

        What answers otherwise than all models of its recipe, digest and files before is a generation of its own: something that nobody
        saw is in it, and its numbers are not theirs.
        """
        key = fact_key("answers", None, recipe=recipe.digest, digest=value["digest"], files=content)
        before: list[Any] = self._store.fact(key) or []
        generation = next(
            (i for i, known in enumerate(before) if known == value["answers"] or answers_match(known, value["answers"])), len(before)
        )
        if generation == len(before):
            self._store.remember(key, [*before, value["answers"]])
        return {**value, "files": content, "generation": generation}

    def training(self, recipe: Recipe, seed: int, labelled: int) -> TrainingFacts:
        """Facts of a training split: of backgrounds, or of as many samples with their labels."""
        request = {"ask": "training", "recipe": recipe.to_json(), "seed": seed, "labelled": labelled}

        def ask() -> Any:
            answer = self._ask({**request, "known": self._contents.of(recipe)})
            self._contents.add(recipe, answer["value"]["hinted"])
            return answer

        key = fact_key("training", recipe, seed=seed, labelled=labelled)
        return TrainingFacts(**self._fact(key, ask, _field_names(TrainingFacts)))

    def verdict(self, model: Recipe, content: str, explainer: Recipe) -> Mapping[str, Any]:
        """What an explainer says of a model of this content."""
        key = fact_key("verdict", model, explainer, content=content)
        request = {"ask": "verdict", "recipe": explainer.to_json(), "model": model.to_json()}
        found: Mapping[str, Any] = self._fact(key, lambda: self._ask(request), {"reason", "passes"})
        return found

    def passes(self, metric: Recipe) -> float | None:
        """What a metric declares."""
        found = self._metric(metric)["passes"]
        return None if found is None else float(found)

    def _metric(self, metric: Recipe) -> Mapping[str, Any]:
        """What a metric declares, and the files that making it opens: one thing to remember, for stores that are far away."""

        def whole(value: Mapping[str, Any], content: str | None) -> Mapping[str, Any]:
            return {**value, "files": content}

        request = {"ask": "passes", "recipe": metric.to_json()}
        found: Mapping[str, Any] = self._fact(fact_key("passes", metric), lambda: self._ask(request), {"passes", "files"}, whole)
        return found

    def opened(self, recipe: Recipe) -> str | None:
        """Digest of what the files hold that making an explainer or a metric opens."""
        if recipe.kind == "metrics":
            return cast("str | None", self._metric(recipe)["files"])
        request = {"ask": "opened", "recipe": recipe.to_json()}
        found = self._fact(fact_key("opened", recipe), lambda: self._ask(request), {"files"}, lambda value, content: {"files": content})
        return cast("str | None", found["files"])

    def _fact(self, key: str, ask: Callable[[], Any], names: Set[str], finish: FinishValue = _keep_value) -> Any:
        """What is remembered, else asked for and remembered; an object of other fields than ``names`` is as good as forgotten."""
        if key not in self._known:
            self._known[key] = self._found(key, ask, names, finish)
        return self._known[key]

    def _found(self, key: str, ask: Callable[[], Any], names: Set[str], finish: FinishValue) -> Any:
        known = self._store.fact(key)
        if isinstance(known, Mapping) and set(known) == {"value", "read"} and files_unchanged(known["read"]):
            value = known["value"]
            if isinstance(value, Mapping) and set(value) == names:
                return value
        answer = ask()
        value = finish(answer["value"], answer["content"])
        self._store.remember(key, {"value": value, "read": answer["read"]})
        return value


def _field_names(facts: type[DatasetFacts | ModelFacts | TrainingFacts]) -> set[str]:
    return {field.name for field in fields(facts)}
