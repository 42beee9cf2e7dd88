"""A component while it is tested: made from its card, with its parameters bound; and what datasets and models have besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.declarations import DECLARATION_ATTRIBUTE, Declaration, declaration_of, resolve_declared_fields
from harness.api.sample import Dataset, Sample
from harness.api.training import Training, TrainingMonitor
from harness.conformance.results import CheckSkipped
from harness.registry.binding import bind
from harness.registry.card import Card
from harness.registry.declared_needs import declared_needs
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.worker.component_cache import ComponentCache

UNWATCHED = TrainingMonitor(keep=lambda state: None, tell=lambda done, of: None)
SAMPLES_CHECKED = 12
"""Samples of a dataset that are looked at."""


@dataclass
class ComponentUnderTest:
    """A component whose conformance is checked, of any kind.

    Attributes:
        registry: where it and what it is composed of are looked up.
        card: its card.
        params: parameters that it is tested with; the others have their defaults.
    """

    registry: Registry
    card: Card
    params: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def recipe(self) -> Recipe:
        """Its recipe; raises `harness.registry.errors.ReferenceProblems` if the parameters are wrong or some are missing."""
        return self.recipe_with()

    def recipe_with(self, **params: Any) -> Recipe:
        """Its recipe with some parameters changed."""
        return resolve(self.registry, self.card.kind, {"use": self.card.qualified, "params": {**self.params, **params}})

    @cached_property
    def component(self) -> Any:
        """The function or class itself."""
        return self.registry.load(self.card)

    @property
    def declaration(self) -> Declaration:
        """Declaration for its parameters."""
        declaration = declaration_of(self.component, self.card.kind)
        return replace(declaration, **resolve_declared_fields({"by": getattr(declaration, "by", {})}, self.recipe.params))

    @property
    def declared(self) -> bool:
        """Whether it declares anything at all."""
        return hasattr(self.component, DECLARATION_ATTRIBUTE)

    @property
    def needs(self) -> frozenset[str]:
        """Needs that it declares, with those that the components in its parameters declare."""
        return declared_needs(self.registry, self.recipe)

    def workbench(self) -> ComponentCache:
        """A workbench on the CPU that has nothing loaded."""
        return ComponentCache(self.registry, "cpu")

    def make_with(self, **params: Any) -> Any:
        """Whatever the component, a model or a dataset, returns with some parameters changed; what it has trained, trained here and now."""
        made = bind(self.component, self.recipe_with(**params), self.workbench().factory.nested)()
        return made.classifier(made.train(torch.device("cpu"), None, UNWATCHED)) if isinstance(made, Training) else made

    def has_parameter(self, name: str) -> bool:
        """Whether the component has a parameter of this name."""
        return name in self.card.parameters.get("properties", {})


def skip_if_broken(make: Callable[[], Any], what: str) -> Any:
    """``make()``; if that raises the check is skipped, because another one holds the component to it."""
    try:
        return make()
    except Exception as error:
        raise CheckSkipped(f"{what} cannot be made ({type(error).__name__}: {error})") from error


@dataclass
class DatasetUnderTest(ComponentUnderTest):
    """A dataset, asked for few samples if it can be; its first samples are read once for all checks that look at them."""

    def make(self, **params: Any) -> Any:
        """The dataset with some parameters changed, whatever the component returns."""
        if self.has_parameter("samples") and "samples" not in {**self.params, **params}:
            try:
                return self.make_with(samples=SAMPLES_CHECKED, **params)
            except ValueError:  # it has not so many
                return self.make_with(**params)
        return self.make_with(**params)

    @cached_property
    def first_samples(self) -> list[Sample]:
        """The first samples of one dataset that was made; skips the check if they cannot be read."""
        found: list[Sample] = skip_if_broken(lambda: self.samples(self.make()), "its samples")
        if not all(isinstance(sample, Sample) for sample in found):
            raise CheckSkipped("does not yield samples")
        return found

    def samples(self, dataset: Dataset) -> list[Sample]:
        """Its first samples."""
        return [dataset[i] for i in range(min(len(dataset), SAMPLES_CHECKED))]


@dataclass
class ModelUnderTest(ComponentUnderTest):
    """A model, made once for all checks that look at it and again for those that compare it with itself."""

    def make(self) -> Any:
        """Whatever the component returns."""
        return self.make_with()

    @cached_property
    def classifier(self) -> Classifier:
        """One that was made; skips the check if it makes no classifier."""
        return self.make_classifier()

    def make_classifier(self) -> Classifier:
        """A new one; skips the check if it makes no classifier."""
        made = skip_if_broken(self.make, "it")
        if not isinstance(made, Classifier):
            raise CheckSkipped(f"makes a {type(made).__name__}, no Classifier")
        return made

    def inputs(self, model: Classifier, count: int) -> Tensor:
        """Noise as the model takes it ``(count, C, H, W)``; input k is the same whatever ``count`` is."""
        noise = [torch.rand(model.input_shape, generator=torch.Generator().manual_seed(i)) for i in range(count)]
        return model.normalise(torch.stack(noise))
