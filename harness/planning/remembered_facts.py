"""Facts that planning needs: remembered in the store, else asked of a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from harness.planning.facts import (
    ComponentFacts,
    DatasetFacts,
    ModelFacts,
    TrainingFacts,
    Verdict,
    answers_match,
    fact_key,
    select_noise_dependent,
)
from harness.planning.json_dataclass import JsonDataclass
from harness.planning.memo import Memo
from harness.registry.file_states import files_unchanged
from harness.registry.recipe import Recipe
from harness.store.store import Store

Request = Mapping[str, Any]
AskWorker = Callable[[Request], Mapping[str, Any]]
Facts = TypeVar("Facts", bound=JsonDataclass)
Finish = Callable[[Facts, str | None], Facts]
DIGESTS_PER_SAMPLE = 4  # digests that are kept of one id: a component has others under other parameters


def _as_found(found: Facts, content: str | None) -> Facts:
    return found


class RememberedFacts:
    """Finds facts about components, and remembers them; ``ask`` sends a request to a worker and raises `Unavailable`, as each fact does.

    What is remembered counts for as long as all files that were read to find it out are as they were.
    """

    def __init__(self, store: Store, ask: AskWorker) -> None:
        self._store = store
        self._ask = ask
        self._known: dict[str, Any] = {}  # a plan asks for the same ones again and again, and a store may be far away

    def dataset(self, recipe: Recipe) -> DatasetFacts:
        """Facts of a dataset."""

        def finish(found: DatasetFacts, content: str | None) -> DatasetFacts:
            self._add_digests(recipe, select_noise_dependent(zip(found.ids, found.digests, strict=True)))
            return found

        def request() -> Request:
            return {"ask": "dataset", "recipe": recipe.to_json(), "known": self._digests(recipe).get() or {}}

        return self._fact(DatasetFacts, fact_key("dataset", recipe), request, finish)

    def model(self, recipe: Recipe) -> ModelFacts:
        """Facts of a model, with the files that it was made of and its generation.

        What answers otherwise than all models of its recipe, digest and files before is a generation of its own: something that nobody
        saw is in it, and its numbers are not theirs.
        """

        def finish(found: ModelFacts, content: str | None) -> ModelFacts:
            key = fact_key("answers", None, recipe=recipe.digest, digest=found.digest, files=content)
            memo: Memo[list[list[list[float]] | None]] = Memo(self._store, list[list[list[float]] | None], key)
            before = memo.get() or []
            answers = found.answers and [list(row) for row in found.answers]
            generation = next((i for i, known in enumerate(before) if known == answers or answers_match(known, answers)), len(before))
            if generation == len(before):
                memo.set([*before, cast("list[list[float]] | None", answers)])
            return replace(found, files=content, generation=generation)

        return self._fact(ModelFacts, fact_key("model", recipe), lambda: {"ask": "model", "recipe": recipe.to_json()}, finish)

    def training(self, recipe: Recipe, seed: int, labelled: int) -> TrainingFacts:
        """Facts of a training split: of backgrounds, or of as many samples with their labels."""

        def finish(found: TrainingFacts, content: str | None) -> TrainingFacts:
            self._add_digests(recipe, found.hinted)
            return found

        def request() -> Request:
            known = self._digests(recipe).get() or {}
            return {"ask": "training", "recipe": recipe.to_json(), "seed": seed, "labelled": labelled, "known": known}

        return self._fact(TrainingFacts, fact_key("training", recipe, seed=seed, labelled=labelled), request, finish)

    def verdict(self, model: Recipe, content: str, explainer: Recipe) -> Verdict:
        """Verdict of an explainer on a model of this content."""
        key = fact_key("verdict", model, explainer, content=content)
        return self._fact(Verdict, key, lambda: {"ask": "verdict", "recipe": explainer.to_json(), "model": model.to_json()})

    def component(self, recipe: Recipe) -> ComponentFacts:
        """Facts of an explainer or a metric."""
        ask = "passes" if recipe.kind == "metrics" else "opened"

        def finish(found: ComponentFacts, content: str | None) -> ComponentFacts:
            return replace(found, files=content)

        return self._fact(ComponentFacts, fact_key(ask, recipe), lambda: {"ask": ask, "recipe": recipe.to_json()}, finish)

    def _digests(self, dataset: Recipe) -> Memo[dict[str, list[str]]]:
        """The digests that samples had when they were first seen, by id, the last first; of all datasets that the component makes.

        The digest of an image whose values are no levels of 8 or 16 bit says how its values were rounded (`harness.api.array_digest`). On
        another machine noise in the last bits may make it another, while the content still answers to the first, which is what counts.
        """
        return Memo.about(self._store, dict[str, list[str]], "contents", component=dataset.qualified)

    def _add_digests(self, dataset: Recipe, digests: Mapping[str, str]) -> None:
        """Remember these, by id; only those of `select_noise_dependent` need be."""
        memo = self._digests(dataset)
        known = memo.get() or {}
        merged = {sample: list(dict.fromkeys([found, *known.get(sample, ())]))[:DIGESTS_PER_SAMPLE] for sample, found in digests.items()}
        if known | merged != known:
            memo.set(known | merged)

    def _fact(self, form: type[Facts], key: str, request: Callable[[], Request], finish: Finish[Facts] = _as_found) -> Facts:
        """What is remembered, else asked for, finished with the content of what was read for it, and remembered."""
        if key not in self._known:
            self._known[key] = self._remembered(form, key) or self._asked(form, key, request(), finish)
        return cast(Facts, self._known[key])

    def _remembered(self, form: type[Facts], key: str) -> Facts | None:
        known = self._store.fact(key)
        if not isinstance(known, Mapping) or set(known) != {"value", "read"} or not files_unchanged(known["read"]):
            return None
        try:
            return form.from_json(known["value"])
        except ValueError:  # of another form
            return None

    def _asked(self, form: type[Facts], key: str, request: Request, finish: Finish[Facts]) -> Facts:
        answer = self._ask(request)
        found = finish(form.from_json(answer["value"]), answer["content"])
        self._store.remember(key, {"value": found.to_json(), "read": answer["read"]})
        return found
