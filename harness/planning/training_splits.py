"""Training splits that components of a plan learn from: found, asked for once, or lacking for a reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from harness.planning.facts import TrainingFacts, Unavailable
from harness.planning.jobs import Subject
from harness.planning.remembered_facts import RememberedFacts
from harness.registry.declared_needs import count_labelled_samples, declared_uses
from harness.registry.recipe import Recipe
from harness.registry.unmet_needs import TRAINING_NEEDS
from harness.spec.loaded_spec import LoadedSpec

NO_TRAINING = "needs training data, and the dataset names no training split"
TRAINING_UNAVAILABLE = NO_TRAINING + " that can be had ({})"


@dataclass(frozen=True)
class TrainingSplits:
    """The training splits of a plan's datasets."""

    loaded: LoadedSpec
    inspect: RememberedFacts
    _used: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)  # what is needed or wanted, by recipe
    _unavailable: dict[str, str] = field(default_factory=dict, repr=False)  # why a dataset's training split cannot be had
    _learned: dict[str, dict[str, TrainingFacts]] = field(default_factory=dict, repr=False)  # by recipe, see `Subject.learned`

    def split(self, dataset: Recipe) -> Recipe | None:
        """The dataset that components learn from; None if there is none, or if one uses it and it cannot be had."""
        recipe = self.needed(dataset)
        if recipe is None:
            return self._named(dataset)
        try:
            self.inspect.training(recipe, self.loaded.spec.seed, 0)
        except Unavailable as error:
            self._unavailable[dataset.label] = TRAINING_UNAVAILABLE.format(error)
            return None
        return recipe

    def needed(self, dataset: Recipe) -> Recipe | None:
        """The dataset that components learn from, if there is one that any uses."""
        recipe, recipes = self._named(dataset), self.loaded.recipes
        return recipe if recipe is not None and any(self._uses(each) for each in (*recipes.rows, *recipes.metrics)) else None

    def lacking(self, subject: Subject, recipe: Recipe) -> str | None:
        """Reason why there is nothing to learn from for a component that needs it, or None if there is."""
        if subject.training_recipe is None:
            return self._unavailable.get(subject.dataset, NO_TRAINING)
        try:
            self.inspect.training(subject.training_recipe, subject.seed, count_labelled_samples(self.loaded.registry, recipe))
        except Unavailable as error:
            return TRAINING_UNAVAILABLE.format(error)
        return None

    def digest(self, subject: Subject, recipe: Recipe) -> str | None:
        """Digest of the training split, if the component or one nested in it learns from it."""
        if subject.training_recipe is None or not self._uses(recipe):
            return None
        drawn = count_labelled_samples(self.loaded.registry, recipe)
        try:
            found = self.inspect.training(subject.training_recipe, subject.seed, drawn)
        except Unavailable:
            return None
        self._learned.setdefault(subject.training_recipe.digest, {})[str(drawn)] = found
        return found.digest

    def learned(self, subject: Subject) -> dict[str, TrainingFacts]:
        """Facts of its training split that components of the subject have in their keys."""
        return {} if subject.training_recipe is None else self._learned.get(subject.training_recipe.digest, {})

    def _uses(self, recipe: Recipe) -> bool:
        if recipe.digest not in self._used:
            self._used[recipe.digest] = declared_uses(self.loaded.registry, recipe)
        return bool(self._used[recipe.digest] & TRAINING_NEEDS)

    def _named(self, dataset: Recipe) -> Recipe | None:
        """What the spec says that components learn from: the dataset named, else the same with ``split: train``."""
        named = self.loaded.recipes.training.get(dataset.label)
        if named is not None:
            return named
        split = self.loaded.registry.known("datasets", dataset.qualified).parameters.get("properties", {}).get("split")
        if split is None or "train" not in split.get("enum", ["train"]):
            return None
        params = {**dataset.params, "split": "train"}
        return replace(dataset, params=params | ({"samples": None} if "samples" in params else {}))
