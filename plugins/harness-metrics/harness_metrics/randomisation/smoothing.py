"""Explanations averaged over noisy inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case, Classifier
from harness_metrics.memory import runs_of


def smoothed(case: Case, model: Classifier, samples: int, noise: float) -> Tensor:
    """``(B, H, W)`` double: the mean of the explanations of ``samples`` noisy inputs on ``model``.

    The noise is Gaussian, its standard deviation ``noise`` times the range of each input; the same draws for every model.
    """
    images, rows = case.images, torch.arange(len(case.images))
    flat = images.flatten(1)
    deviation = noise * (flat.amax(dim=1) - flat.amin(dim=1)).view(-1, 1, 1, 1)
    ctx = case.ctx.fresh("noise that smooths")
    total = torch.zeros_like(case.attributions, dtype=torch.float64)
    for draws in map(len, runs_of(samples, images)):
        noisy = (images + deviation * ctx.noise(images.shape[1:], draws=draws).to(images)).flatten(0, 1)
        maps = case.explain(images=noisy, model=model, index=rows.repeat(draws))
        total += maps.double().view(draws, *case.attributions.shape).sum(dim=0)
    return total / samples
