"""Smooth model parameter randomisation test (Hedström et al. 2024)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import HEDSTROEM_2024
from harness_metrics.parameters import Deviation, Samples
from harness_metrics.randomisation.comparison import Constant, comparison
from harness_metrics.randomisation.layers import Order, randomisable_layers, stages
from harness_metrics.randomisation.models import randomised_maps
from harness_metrics.randomisation.smoothing import NoisyInputs
from harness_metrics.similarity import Similarity


@metric(
    category="randomisation",
    direction="lower",
    needs={"explainer"},
    bounds=(-1, 1),
    passes=lambda params: params["steps"] and params["samples"] * (params["steps"] + 1),  # times what explaining takes
    cite=HEDSTROEM_2024,
)
def smooth_mprt(
    case: Case,
    *,
    order: Order = "bottom-up",
    steps: Annotated[int, Field(ge=1)] | None = None,
    samples: Samples = 50,
    noise: Deviation = 0.1,
    similarity: Similarity = "spearman",
    absolute: bool = True,
    constant: Constant = "zero",
) -> Tensor:
    """Similarity of denoised maps as the model's layers are randomised.

    Hedström et al. 2024: the model parameter randomisation test (``mprt``) on explanations that are averaged over noisy inputs,
    ``1/N Σ Φ(x + η)``, so that shattered gradients do not pass for a reaction to the weights. Both maps of each comparison are averaged,
    over the same noise. (Quantus gives the last of its N draws no noise, and compares with the map that it was given, which is not
    averaged.)

    Args:
        case: the samples; their explainer explains noisy images on the model and on its randomised copies.
        order: of randomisation, as in ``mprt``; the authors recommend ``bottom-up``.
        steps: how many randomised models, as in ``mprt``.
        samples: noisy inputs that a map is the mean of.
        noise: standard deviation of the Gaussian noise, as a share of the range (maximum less minimum) of each input, as in SmoothGrad.
        similarity: as in ``mprt``.
        absolute: compare absolute values, taken after averaging.
        constant: as in ``mprt``.

    Returns:
        ``(B,)`` in [-1, 1], lower is better; NaN for an averaged map that is constant.
    """
    kind = ("smoothed", samples, noise)
    layers = randomisable_layers(case.model)
    inputs = NoisyInputs(case, samples, noise)
    original = case.shared(("harness-metrics", kind), lambda: inputs.smoothed(case.model))
    maps = randomised_maps(case, layers, stages(layers, order, steps), inputs.smoothed, kind)
    compared = comparison(original, similarity, absolute, constant)
    return torch.stack([compared(changed) for changed in maps]).mean(dim=0)
