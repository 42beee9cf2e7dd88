"""Facts that planning needs: remembered in the store, else by this machine, else asked of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from harness.planning.fact_questions import FactQuestions, Facts, Question, Request
from harness.planning.facts import ComponentFacts, DatasetFacts, ModelFacts, TrainingFacts, Verdict
from harness.planning.machine_answers import MachineAnswers
from harness.registry.file_states import files_unchanged
from harness.registry.recipe import Recipe
from harness.store.store import Store

AskWorker = Callable[[Request], Mapping[str, Any]]
Expect = Callable[[Sequence[Request]], None]


def _expect_nothing(requests: Sequence[Request]) -> None:
    """Let requests wait until they are asked."""


class RememberedFacts:
    """Finds facts about components, and remembers them; ``ask`` sends a request to a worker and raises `Unavailable`, as each fact does.

    What is remembered counts for as long as all files that were read to find it out are as they were. ``expect`` is told of requests that
    will be asked, so that they may be answered meanwhile. What the ``machine`` was answered before counts where the store knows nothing of
    it; not where it did and what it knew does not hold any more.
    """

    def __init__(self, store: Store, ask: AskWorker, expect: Expect = _expect_nothing, machine: MachineAnswers | None = None) -> None:
        self._store = store
        self._ask = ask
        self._expect = expect
        self._machine = machine
        self._questions = FactQuestions(store)
        self._answers: dict[str, Mapping[str, Any] | None] = {}
        self._outdated: set[str] = set()  # what the store knew, and is not so any more
        self._known: dict[str, Any] = {}  # a plan asks for the same ones again and again, and a store may be far away

    def expect(
        self, datasets: Iterable[Recipe], models: Iterable[Recipe], training: Iterable[tuple[Recipe, int]], components: Iterable[Recipe]
    ) -> None:
        """Begin to find out what is not remembered of these: facts of training splits with this seed, all others as `dataset` and so on."""
        questions: list[Question[Any]] = [
            *map(self._questions.model, models),
            *(self._questions.training(recipe, seed, 0) for recipe, seed in training),
            *map(self._questions.dataset, datasets),
            *map(self._questions.component, components),
        ]
        unknown = [question for question in questions if self._recall(question) is None]
        requests = {question.key: question.request for question in unknown if self._answered(question) is None}
        if requests:
            self._expect(list(requests.values()))

    def dataset(self, recipe: Recipe) -> DatasetFacts:
        """Facts of a dataset."""
        return self._fact(self._questions.dataset(recipe))

    def model(self, recipe: Recipe, weights: str | None = None) -> ModelFacts:
        """Facts of a model, of one that is trained with these ``weights`` (a file of the store)."""
        return self._fact(self._questions.model(recipe, weights))

    def training(self, recipe: Recipe, seed: int, labelled: int) -> TrainingFacts:
        """Facts of a training split: of backgrounds, or of as many samples with their labels."""
        return self._fact(self._questions.training(recipe, seed, labelled))

    def verdict(self, model: Recipe, content: str, recipe: Recipe) -> Verdict:
        """Verdict of an explainer or a metric on a model of this content."""
        return self._fact(self._questions.verdict(model, content, recipe))

    def component(self, recipe: Recipe) -> ComponentFacts:
        """Facts of an explainer or a metric."""
        return self._fact(self._questions.component(recipe))

    def _fact(self, question: Question[Facts]) -> Facts:
        """What is remembered, else asked for, finished with the content of what was read for it, and remembered."""
        found = self._recall(question)
        if found is None:
            found = self._known[question.key] = self._asked(question)
        return found

    def _recall(self, question: Question[Facts]) -> Facts | None:
        """What is remembered, or was found out before."""
        if question.key not in self._known and (remembered := self._remembered(question)) is not None:
            self._known[question.key] = remembered
        return cast("Facts | None", self._known.get(question.key))

    def _remembered(self, question: Question[Facts]) -> Facts | None:
        known = self._store.fact(question.key)
        if known is None:
            return None
        if isinstance(known, Mapping) and set(known) == {"value", "read"} and files_unchanged(known["read"]):
            with suppress(ValueError):  # of another form
                return question.form.from_json(known["value"])
        self._outdated.add(question.key)
        return None

    def _answered(self, question: Question[Facts]) -> Mapping[str, Any] | None:
        """What the machine was answered before; nothing if the store knew better."""
        if self._machine is None or question.key in self._outdated:
            return None
        if question.key not in self._answers:
            self._answers[question.key] = self._machine.get(question)
        return self._answers[question.key]

    def _asked(self, question: Question[Facts]) -> Facts:
        answer = self._answered(question)
        if answer is None:
            answer = self._ask(question.request)
            if self._machine is not None:
                self._machine.put(question, answer)
        found = question.finish(question.form.from_json(answer["value"]), answer["content"])
        self._store.remember(question.key, {"value": found.to_json(), "read": answer["read"]})
        return found
