"""The components that one worker has loaded: made from recipes and kept while they are in use."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import cast

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.explainers import Explainer
from harness.api.sample import Dataset
from harness.planning.facts import fact_key
from harness.planning.jobs import Subject
from harness.planning.variants import AS_IS, Variant
from harness.registry.binding import takes_ctx
from harness.registry.file_states import FileState, files_unchanged
from harness.registry.inversion import inverts_sizes, recipe_declaration
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.store.input_files import InputFiles
from harness.worker.accelerators import scoring_device
from harness.worker.arithmetic import Arithmetic
from harness.worker.batching import Batching
from harness.worker.bound_components import BoundExplainer, BoundMetric
from harness.worker.component_factory import ComponentFactory
from harness.worker.contracts import ChangedSincePlanning
from harness.worker.model_cache import ModelCache, RecentlyUsed
from harness.worker.mutation_guard import caused_mutation, forbid_changes
from harness.worker.samples import require_bounded_length


class ComponentCache:
    """Datasets, models, explainers and metrics, each made once; nothing of a job.

    Attributes:
        registry: where components are looked up.
        input_files: samples that were costly to make, or None.
        device: where models are.
        batching: batch sizes that worked.
        factory: makes them, and knows which files that read.
        models: the classifiers.
        backgrounds: training images that components have asked for.
    """

    def __init__(
        self,
        registry: Registry,
        device: torch.device | str = "cpu",
        batch: int | None = None,
        input_files: InputFiles | None = None,
    ) -> None:
        self.registry = registry
        self.input_files = input_files
        self.device = torch.device(device)
        self.batching = Batching.on(self.device, fixed=batch)
        self.factory = ComponentFactory(registry)
        self.factory.explaining = self.explainer
        self.models = ModelCache(self.factory, self.device, self.batching, self.note)
        self.backgrounds: RecentlyUsed[Tensor] = RecentlyUsed()
        self._datasets: RecentlyUsed[Dataset] = RecentlyUsed()
        self._memories: RecentlyUsed[dict[Hashable, object]] = RecentlyUsed()
        self._explainers: dict[tuple[str, Variant], BoundExplainer] = {}
        self._made_of: dict[str, tuple[str, dict[str, FileState]]] = {}
        self._notes: list[str] = []

    @cached_property
    def scoring_device(self) -> torch.device:
        """Device of what metrics compute with (see `harness.worker.accelerators.scoring_device`)."""
        return scoring_device(self.device)

    def dataset(self, recipe: Recipe) -> Dataset:
        """The dataset of a recipe."""
        name = recipe.label or recipe.name
        make: type = Dataset
        return self._datasets.get_or_make(recipe.digest, lambda: require_bounded_length(self.factory.make(recipe, make), name))

    def model(self, recipe: Recipe) -> Classifier:
        """The classifier of a recipe."""
        return self.models.of(recipe)

    def subject(self, subject: Subject) -> Classifier:
        """`ModelCache.subject`; one that is not what was planned with is made again when it is asked for next."""
        try:
            return self.models.subject(subject)
        except ChangedSincePlanning:
            self.forget_models(subject.model_recipe)
            raise

    def explainer(self, recipe: Recipe, variant: Variant = AS_IS) -> BoundExplainer:
        """The explainer of a recipe, nested explainers bound too; for a variant that alters the model one of its own, which may learn."""
        key = (recipe.digest, variant if variant.alters_model else AS_IS)
        if key not in self._explainers:
            call = self.factory.bind(recipe, lambda nested: self._nested(nested, strict=False))
            wants_ctx = takes_ctx(self.factory.component(recipe))
            self._explainers[key] = BoundExplainer(recipe, call, wants_ctx, self.batching, self, variant)
        return self._explainers[key]

    def metric(self, recipe: Recipe) -> BoundMetric:
        """The metric of a recipe."""
        call = self.factory.bind(recipe, self._nested)
        sizes = inverts_sizes(recipe_declaration(self.registry, recipe), recipe.params)
        return BoundMetric(recipe, call, takes_ctx(self.factory.component(recipe)), sizes)

    def _nested(self, recipe: Recipe, strict: bool = True) -> Explainer | Dataset | Classifier:
        """A component that is a parameter of an explainer or a metric."""
        if recipe.kind == "explainers":
            return cast(Explainer, self.explainer(recipe) if strict else replace(self.explainer(recipe), strict=False))
        return self.dataset(recipe) if recipe.kind == "datasets" else self.model(recipe)

    def memory(self, subject: Subject) -> MutableMapping[Hashable, object]:
        """Memory that components keep from one batch of samples to the next, for one model and its training data."""
        variant = subject.variant if subject.variant.alters_model else AS_IS
        recipes = [subject.model_recipe, subject.dataset_recipe, subject.training_recipe]
        key = (*(None if recipe is None else recipe.digest for recipe in recipes), variant, subject.seed)
        return self._memories.get_or_make(key, dict)

    def compute_in(self, arithmetic: Arithmetic) -> None:
        """Compute in this arithmetic from now on: models that were made for another are made again, and what was made of them."""
        if self.models.compute_in(arithmetic):
            for kept in (self._memories, self._explainers, self.backgrounds):
                kept.clear()

    def note(self, reason: str) -> None:
        """Keep what is worth telling of what was made."""
        self._notes.append(reason)

    def take_notes(self) -> list[str]:
        """Notes that were made since this was asked for last."""
        notes, self._notes = self._notes, []
        return notes

    def forget_models(self, recipe: Recipe) -> None:
        """Have the models of a recipe made again: a component has changed them."""
        self.models.forget(recipe)
        self._memories.clear()
        self.forget_explainers()

    @contextmanager
    def unchanged_model(self, recipe: Recipe) -> Iterator[Classifier]:
        """The classifier of a recipe for a block that must leave it as it is (see `forbid_changes`); made again after one that does not."""
        model = self.model(recipe)
        try:
            with forbid_changes(model.module):
                yield model
        except BaseException as error:
            if caused_mutation(error):
                self.forget_models(recipe)
            raise

    def forget_dataset(self, recipe: Recipe) -> None:
        """Have the dataset of a recipe made again."""
        self._datasets.pop(recipe.digest, None)

    def forget_explainers(self) -> None:
        """Have all explainers made again."""
        self._explainers.clear()

    def remake_if_changed(self, recipe: Recipe) -> None:
        """Have what was made of a recipe made again, if a file that its parameters name, or that was read to make it, has changed since.

        For a process that lives on; in a run it is `subject` that holds models to what was planned.
        """
        before, named = self._made_of.get(recipe.digest), fact_key("made", recipe)
        if before is not None and (before[0] != named or not files_unchanged(before[1])):
            self.forget_models(recipe)
            self.forget_dataset(recipe)
            self.factory.reading.forget(recipe)
            before = None
        if before is None:
            makers: dict[str, Callable[[Recipe], object]] = {"models": self.model, "datasets": self.dataset, "explainers": self.explainer}
            if recipe.kind in makers:
                makers[recipe.kind](recipe)
                self._made_of[recipe.digest] = (named, self.factory.reading.states(recipe))
