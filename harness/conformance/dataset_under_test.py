"""A dataset while it is tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.api.sample import Dataset, Sample
from harness.conformance.component_under_test import ComponentUnderTest

SAMPLES_CHECKED = 12
"""Samples that are looked at."""


@dataclass
class DatasetUnderTest(ComponentUnderTest):
    """A dataset, made again for every check; asked for few samples if it can be."""

    def make(self, **params: Any) -> Any:
        """The dataset with some parameters changed, whatever the component returns."""
        if self.has_parameter("samples") and "samples" not in {**self.params, **params}:
            try:
                return self.make_with(samples=SAMPLES_CHECKED, **params)
            except ValueError:  # it has not so many
                return self.make_with(**params)
        return self.make_with(**params)

    def samples(self, dataset: Dataset) -> list[Sample]:
        """Its first samples."""
        return [dataset[i] for i in range(min(len(dataset), SAMPLES_CHECKED))]
