"""Questions about components whose answers are facts: under what each is remembered, what a worker is asked, what becomes of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from harness.planning.facts import (
    ComponentFacts,
    DatasetFacts,
    ModelFacts,
    TrainingFacts,
    Verdict,
    answers_match,
    evidence_id,
    fact_key,
    model_fact_key,
    select_noise_dependent,
)
from harness.planning.json_dataclass import JsonDataclass
from harness.planning.memo import Memo
from harness.registry.recipe import Recipe
from harness.store.store import Store

Request = Mapping[str, Any]
Facts = TypeVar("Facts", bound=JsonDataclass)
Finish = Callable[[Facts, str | None], Facts]
DIGESTS_PER_SAMPLE = 4  # digests that are kept of one id: a component has others under other parameters


def _as_found(found: Facts, content: str | None) -> Facts:
    return found


@dataclass(frozen=True)
class Question(Generic[Facts]):
    """A fact that is asked for.

    Attributes:
        form: what it is.
        key: under what it is remembered: made once, before anything is read for it, so that a file that changes meanwhile is no longer
            what the key holds.
        request: what a worker is asked if it is not.
        finish: what becomes of what is found, with the content of what was read for it.
    """

    form: type[Facts]
    key: str
    request: Request
    finish: Finish[Facts]


class FactQuestions:
    """The questions of one plan, each made when it is first needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[tuple[Any, ...], Question[Any]] = {}

    def dataset(self, recipe: Recipe) -> Question[DatasetFacts]:
        """Facts of a dataset."""

        def finish(found: DatasetFacts, content: str | None) -> DatasetFacts:
            digests = [*zip(found.ids, found.digests, strict=True)]
            for kind, known in found.evidence_digests.items():
                digests += [(evidence_id(sample, kind), digest) for sample, digest in zip(found.ids, known, strict=True)]
            self._add_digests(recipe, select_noise_dependent(digests))
            return found

        def make() -> Question[DatasetFacts]:
            request = {"ask": "dataset", "recipe": recipe.to_json(), "known": self._digests(recipe).get() or {}}
            return Question(DatasetFacts, fact_key("dataset", recipe), request, finish)

        return self._once(("dataset", recipe.digest), make)

    def model(self, recipe: Recipe, weights: str | None = None) -> Question[ModelFacts]:
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

        def make() -> Question[ModelFacts]:
            return Question(ModelFacts, model_fact_key(recipe, weights), {"ask": "model", "recipe": recipe.to_json()}, finish)

        return self._once(("model", recipe.digest, weights), make)

    def training(self, recipe: Recipe, seed: int, labelled: int) -> Question[TrainingFacts]:
        """Facts of a training split: of backgrounds, or of as many samples with their labels."""

        def finish(found: TrainingFacts, content: str | None) -> TrainingFacts:
            self._add_digests(recipe, found.hinted)
            return found

        def make() -> Question[TrainingFacts]:
            known = self._digests(recipe).get() or {}
            request = {"ask": "training", "recipe": recipe.to_json(), "seed": seed, "labelled": labelled, "known": known}
            return Question(TrainingFacts, fact_key("training", recipe, seed=seed, labelled=labelled), request, finish)

        return self._once(("training", recipe.digest, seed, labelled), make)

    def verdict(self, model: Recipe, content: str, recipe: Recipe) -> Question[Verdict]:
        """Verdict of an explainer or a metric on a model of this content."""

        def make() -> Question[Verdict]:
            key = fact_key("verdict", model, recipe, content=content)
            return Question(Verdict, key, {"ask": "verdict", "recipe": recipe.to_json(), "model": model.to_json()}, _as_found)

        return self._once(("verdict", model.digest, content, recipe.digest), make)

    def component(self, recipe: Recipe) -> Question[ComponentFacts]:
        """Facts of an explainer or a metric."""
        ask = "passes" if recipe.kind == "metrics" else "opened"

        def finish(found: ComponentFacts, content: str | None) -> ComponentFacts:
            return replace(found, files=content)

        def make() -> Question[ComponentFacts]:
            return Question(ComponentFacts, fact_key(ask, recipe), {"ask": ask, "recipe": recipe.to_json()}, finish)

        return self._once((ask, recipe.digest), make)

    def _once(self, about: tuple[Any, ...], make: Callable[[], Question[Facts]]) -> Question[Facts]:
        """The question about something, made when it is first needed."""
        if about not in self._made:
            self._made[about] = make()
        return self._made[about]

    def _digests(self, dataset: Recipe) -> Memo[dict[str, list[str]]]:
        """The digests that samples and their evidence had when they were first seen, by id, the last first.

        They are of all datasets that the component makes.

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
