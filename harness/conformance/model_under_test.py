"""A model while it is tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.conformance.component_under_test import ComponentUnderTest, skip_if_broken
from harness.conformance.results import CheckSkipped


@dataclass
class ModelUnderTest(ComponentUnderTest):
    """A model, made again for every check."""

    def make(self) -> Any:
        """Whatever the component returns."""
        return self.make_with()

    def classifier(self) -> Classifier:
        """It; skips the check if it makes no classifier."""
        made = skip_if_broken(self.make, "it")
        if not isinstance(made, Classifier):
            raise CheckSkipped(f"makes a {type(made).__name__}, no Classifier")
        return made

    def inputs(self, model: Classifier, count: int) -> Tensor:
        """Noise as the model takes it ``(count, C, H, W)``; input k is the same whatever ``count`` is."""
        noise = [torch.rand(model.input_shape, generator=torch.Generator().manual_seed(i)) for i in range(count)]
        return model.normalise(torch.stack(noise))
