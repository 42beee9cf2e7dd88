"""A dataset while it is tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.api.sample import Dataset, Sample
from harness.conformance.component_under_test import ComponentUnderTest
from harness.registry.binding import bind
from harness.registry.recipe import Recipe

SAMPLES_CHECKED = 12
"""Samples that are looked at."""


@dataclass
class DatasetUnderTest(ComponentUnderTest):
    """A dataset, made again for every check; asked for few samples where it can be."""

    def make(self, **params: Any) -> Any:
        """The dataset with some parameters changed, whatever the component returns."""
        if self.has_parameter("samples") and "samples" not in {**self.params, **params}:
            try:
                return self._made(samples=SAMPLES_CHECKED, **params)
            except ValueError:  # it has not so many
                return self._made(**params)
        return self._made(**params)

    def _made(self, **params: Any) -> Any:
        return bind(self.component, self.recipe_with(**params), _reject_explainer)()

    def samples(self, dataset: Dataset) -> list[Sample]:
        """Its first samples."""
        return [dataset[i] for i in range(min(len(dataset), SAMPLES_CHECKED))]


def _reject_explainer(recipe: Recipe) -> Any:
    raise ValueError(f"a dataset takes no explainers ({recipe.name})")
