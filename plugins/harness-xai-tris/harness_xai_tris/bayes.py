"""The model ``xai-tris-bayes``: the best classifier there is of the linear scenario on noise, in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from harness.api import Classifier, classifier, model
from harness.api.randomness import seeded_generators
from harness_xai_tris import mixing
from harness_xai_tris.backgrounds import Background, correlated_norm, smoothing
from harness_xai_tris.citations import CLARK_2024, HAUFE_2014
from harness_xai_tris.data import CLASSES
from harness_xai_tris.tetrominoes import L, Pattern, Size, T, energy, fixed

Noise = Literal["white", "correlated"]


@model(cite=f"{CLARK_2024}\n\n{HAUFE_2014}")
def xai_tris_bayes(*, background: Noise = "white", size: Size = 8, alpha: Annotated[float, Field(gt=0, le=1)] | None = None) -> Classifier:
    """The Bayes-optimal classifier of ``xai-tris`` with ``scenario: linear``: logits ± ½ (wᵀx + c), the log odds.

    With the noise's covariance Σ (and that of rounding to 8 bits), w = Σ⁻¹ (μ_L − μ_T). On white noise w is 0 where no tetromino is. On
    correlated noise it is not: there w takes the noise away by pixels that know nothing of the class (suppressors; Haufe et al. 2014).

    Args:
        background: as the dataset's.
        size: as the dataset's.
        alpha: as the dataset's.
    """
    share = mixing.SHARES[size, "linear"][background] if alpha is None else alpha
    greatest = mixing.bound("linear", background, share, size)
    weights, offset = log_odds(background, share, size)
    with seeded_generators(0):
        network = nn.Sequential(nn.Flatten(), nn.Linear(size * size, 2))
    layer = network[1]
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.stack([-weights, weights]) * greatest / 2).flatten(1))
        layer.bias.copy_(torch.tensor([-offset / 2, offset / 2]))
    return classifier(network, input_shape=(1, size, size), mean=[0.5], std=[0.5], class_names=list(CLASSES["linear"]))


def log_odds(background: Noise, share: float, size: Size) -> tuple[Background, float]:
    """Weights ``(size, size)`` and offset of log p(L | x) / p(T | x) = Σ w x + c, for x as `mixing.mixed` makes it."""
    first, second = (share * fixed(shape, place, size) / np.sqrt(energy("linear", size)) for place, shape in enumerate((T, L)))
    weights = _whitening(background, share, size)(second - first)
    return weights, -float((weights * (first + second)).sum()) / 2


def _whitening(background: Noise, share: float, size: Size) -> Callable[[Pattern], Background]:
    """Multiplies by the inverse of the noise's covariance. Correlated noise has that of a side twice: its eigenvectors are products."""
    step = 2 * mixing.bound("linear", background, share, size) / mixing.LEVELS
    rounding = step**2 / 12
    if background == "white":
        variance = ((1 - share) / size) ** 2 + rounding
        return lambda pattern: pattern / variance
    values, vectors = np.linalg.eigh(smoothing(size) @ smoothing(size).T)
    variances = (1 - share) ** 2 * np.outer(values, values) / correlated_norm(size) ** 2 + rounding
    return lambda pattern: vectors @ ((vectors.T @ pattern @ vectors) / variances) @ vectors.T
