"""Model parameter randomisation test (Adebayo et al. 2018)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import ADEBAYO_2018
from harness_metrics.randomisation.comparison import Constant, comparison
from harness_metrics.randomisation.layers import Order, randomisable_layers, stages
from harness_metrics.randomisation.models import randomised_maps
from harness_metrics.similarity import Similarity


@metric(
    category="randomisation",
    direction="lower",
    needs={"explainer"},
    bounds=(-1, 1),
    passes=lambda params: params["steps"],  # times what explaining takes; without steps as many as the model has layers
    cite=ADEBAYO_2018,
)
def mprt(
    case: Case,
    *,
    order: Order = "top-down",
    steps: Annotated[int, Field(ge=1)] | None = None,
    similarity: Similarity = "spearman",
    absolute: bool = True,
    constant: Constant = "zero",
) -> Tensor:
    """Similarity of the map with maps of the model as its layers are randomised.

    Adebayo et al. 2018: an explanation that stays similar when weights are random does not explain the model. The score is
    the mean of the similarities over all randomised models; the model as it is, whose similarity is 1, is not among them (in Quantus's
    average it is).

    Args:
        case: the samples; their explainer explains randomised copies of the model for the same targets with the same random streams.
        order: ``top-down`` cascades from the output to the input, ``bottom-up`` from the input to the output, ``independent`` randomises
            each layer in a model of its own. Binder et al. 2023 show that top-down cascades preserve much of the forward pass.
        steps: how many randomised models, the last one of a cascade wholly random: 1 compares with that alone (with ``independent`` too).
            Neighbouring layers then go together, as the authors do with blocks. None is one model per layer with parameters, in the order
            in which layers are called.
        similarity: ``spearman``, ``ssim`` (window of 7, uniform) and ``hog`` are the authors'; SSIM and HOG see each map brought to [0, 1]
            by its own minimum and maximum, the others are invariant to scale. (Quantus takes the SSIM of maps flattened to one dimension.)
        absolute: compare absolute values; the authors show both.
        constant: what a similarity is where the map of a randomised model is constant: ``zero``, or ``undefined``, which makes the sample's
            score NaN.

    Returns:
        ``(B,)`` in [-1, 1], lower is better; NaN for a map that is constant. Weights are drawn by each layer's own initialisation (batch
        normalisation returns to the identity), the same for all samples and explainers under one seed.
    """
    layers = randomisable_layers(case.model)
    maps = randomised_maps(case, layers, stages(layers, order, steps), lambda model: case.explain(model=model))
    compared = comparison(case.attributions, similarity, absolute, constant)
    return torch.stack([compared(changed) for changed in maps]).mean(dim=0)
