"""The trainings of a plan: models that are trained before anything can be asked of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from harness.planning.facts import Unavailable
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.training_key import training_key
from harness.registry.declared_needs import is_trained
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.store.store import Store
from harness.store.weight_groups import TrainedWeights
from harness.text_format import format_count


@dataclass(frozen=True)
class PlannedTraining:
    """A training that is to do.

    Attributes:
        recipe: of the model.
        key: of its weights.
        epochs: how many at most; done: how many of them a checkpoint has.
        images: that each sees.
        seconds: about how long the rest takes on one worker, by the most similar one in the store; None where there is none.
        level: 0 if it begins with no model that is to be trained first, else one more than that.
        number: from 2 of those that have the same label in a plan, as what several models begin with has.
    """

    recipe: Recipe
    key: str
    epochs: int
    images: int
    done: int = 0
    seconds: float | None = None
    level: int = 0
    number: int = 1

    @property
    def label(self) -> str:
        """What it is called, as no other of a plan."""
        label = self.recipe.label or self.recipe.name
        return label if self.number == 1 else f"{label} ({self.number})"

    @property
    def request(self) -> dict[str, Any]:
        """What a worker is asked."""
        return {"ask": "train", "recipe": self.recipe.to_json()}

    def __str__(self) -> str:
        done = f", {self.done} of them done" if self.done else ""
        time = "" if self.seconds is None else f", about {self.seconds:,.0f} s by the most similar training so far"
        return f"{format_count(self.epochs, 'epoch')} of {format_count(self.images, 'image')}{done}{time}"


@dataclass
class Trainings:
    """Finds out which models of a plan are trained, and which of them are not yet.

    Attributes:
        registry, store, facts: what is asked.
        failed: by the key of a training why there are no weights: it was tried, and failed.
    """

    registry: Registry
    store: Store
    facts: RememberedFacts
    failed: Mapping[str, str] = field(default_factory=dict)

    def to_do(self, models: Iterable[Recipe]) -> list[PlannedTraining]:
        """All trainings that these models lack, each once, after those that it begins with.

        What lacks data is not among them: why is said where the model is planned.
        """
        found: dict[str, PlannedTraining] = {}
        for model in models:
            self._collect(model, found)
        return numbered(found.values())

    def weights(self, model: Recipe) -> str | None:
        """The file of a model's weights in the store; None if it is not trained."""
        return self.store.weights_file(self.key(model)) if is_trained(self.registry, model) else None

    def validation_accuracy(self, model: Recipe) -> float | None:
        """The accuracy on its validation data of the weights that a training kept; None if it is not trained, or had none."""
        key = self.key(model) if is_trained(self.registry, model) else None
        record = next((each.record for each in self._known if each.key == key and each.finished), {})
        curve = list(record.get("curve", ()))[: record.get("kept_epoch")]
        value = curve[-1].get("validation accuracy") if curve else None
        return None if value is None else float(value)

    def lacking(self, model: Recipe) -> PlannedTraining | None:
        """The training that a model lacks, or None if it has its weights or is not trained.

        Raises `Unavailable` where its data cannot be had, or it has failed.
        """
        if not is_trained(self.registry, model) or self.store.has_weights(key := self.key(model)):
            return None
        if key in self.failed:
            raise Unavailable(self.failed[key])
        return self._planned(model, key, 0)

    def _collect(self, model: Recipe, found: dict[str, PlannedTraining]) -> int:
        """Add what a model lacks; the level of what comes after it."""
        level = max((self._collect(part, found) for part in model.nested), default=0)
        if not is_trained(self.registry, model):
            return level
        try:
            key = self.key(model)
        except Unavailable:
            return level
        if self.store.has_weights(key):
            return 0
        found.setdefault(key, self._planned(model, key, level))
        return found[key].level + 1

    def _planned(self, model: Recipe, key: str, level: int) -> PlannedTraining:
        names: Mapping[str, str] = self.registry.declaration("models", model.qualified)["trained"]
        epochs, images = int(model.params[names["epochs"]]), len(self.facts.dataset(model.params[names["images"]]).ids)
        checkpoint = next((each for each in self._known if each.key == key), None)
        done = 0 if checkpoint is None else len(checkpoint.record.get("curve", ()))
        rate = self._seconds_per_image(model)
        return PlannedTraining(model, key, epochs, images, done, None if rate is None else rate * images * (epochs - done), level)

    def key(self, model: Recipe) -> str:
        """The key of a trained model's weights; raises `Unavailable` where what it is trained on cannot be had."""
        return training_key(self.registry, self.store, self.facts, model)

    @cached_property
    def _known(self) -> Sequence[TrainedWeights]:
        return self.store.trainings()

    def _seconds_per_image(self, model: Recipe) -> float | None:
        """What an image took in the training whose recipe has most parameters in common, of equals the last."""
        wanted = model.reference(lambda part: part.name)
        rates: list[tuple[int, float]] = []
        for each in self._known:
            recipe, seen = each.record.get("recipe", {}), len(each.record.get("curve", ())) * each.record.get("images", 0)
            if recipe.get("use") == wanted["use"] and seen:
                same = sum(recipe["params"].get(name) == value for name, value in wanted["params"].items())
                rates.append((same, each.record["seconds"] / seen))
        return max(reversed(rates), key=lambda rate: rate[0])[1] if rates else None


def numbered(trainings: Iterable[PlannedTraining]) -> list[PlannedTraining]:
    """The trainings with a number for each of those that have the same label, models of the spec before what they begin with."""
    ordered = list(trainings)
    seen: Counter[str] = Counter()
    numbers: dict[str, int] = {}
    for each in sorted(ordered, key=lambda training: -training.level):
        seen[each.label] += 1
        numbers[each.key] = seen[each.label]
    return [replace(each, number=numbers[each.key]) for each in ordered]
