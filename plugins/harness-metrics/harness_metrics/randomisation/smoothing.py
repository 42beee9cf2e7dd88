"""Explanations averaged over noisy inputs."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from harness.api import Case, Classifier
from harness_metrics.memory import runs_of


class NoisyInputs:
    """``samples`` noisy inputs of each image; those that fit into memory at once are made once for all models that they are explained on.

    The noise is Gaussian, its standard deviation ``noise`` times the range of each input; the same draws for every model.
    """

    def __init__(self, case: Case, samples: int, noise: float) -> None:
        self.case, self.samples, self.noise = case, samples, noise
        self._made: Tensor | None = None

    def smoothed(self, model: Classifier) -> Tensor:
        """``(B, H, W)`` double: the mean of the explanations of all of them on ``model``."""
        rows = torch.arange(len(self.case.images))
        total = torch.zeros_like(self.case.attributions, dtype=torch.float64)
        for noisy in self._parts():
            maps = self.case.explain(images=noisy.flatten(0, 1), model=model, index=rows.repeat(len(noisy)))
            total += maps.double().view(len(noisy), *self.case.attributions.shape).sum(dim=0)
        return total / self.samples

    def _parts(self) -> Iterator[Tensor]:
        """``(S, B, C, H, W)``."""
        if self._made is not None:
            yield self._made
            return
        images, ctx = self.case.images, self.case.ctx.fresh("noise that smooths")
        flat = images.flatten(1)
        deviation = self.noise * (flat.amax(dim=1) - flat.amin(dim=1)).view(-1, 1, 1, 1)
        for draws in map(len, runs_of(self.samples, images)):
            noisy = images + deviation * ctx.noise(images.shape[1:], draws=draws).to(images)
            if draws == self.samples:
                self._made = noisy
            yield noisy
