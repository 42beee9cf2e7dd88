"""Input invariance (Kindermans et al. 2019)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from harness.api import Case, Classifier, metric
from harness.api.kept_networks import kept_network
from harness_metrics.axiomatic.networks import Rounding, computes_the_same, relative_distance
from harness_metrics.axiomatic.shifted import compensated
from harness_metrics.citations import KINDERMANS_2019
from harness_metrics.imputation import input_range


@metric(category="axiomatic", direction="lower", needs={"explainer"}, bounds=(0, None), passes=1, cite=KINDERMANS_2019)
def input_invariance(
    case: Case, *, shift: float = -1.0, reference: Literal["black", "zero"] = "black", tolerance: Rounding = 1e-3
) -> Tensor:
    """How far the map moves when every input is shifted by a constant, and the network made to expect it.

    Kindermans et al. 2019: ``f₂(x + m) = f₁(x)`` by a bias of the first layer without ``w·m``, where zero padding becomes
    padding with m, so that it holds for every input. What the network computes, and its gradient, are the same, and so must be the map:
    the score is ``‖A₂(x + m) − A₁(x)‖ / ‖A₁(x)‖``.

    Args:
        case: the samples; their explainer explains another network, whose layers keep their names.
        shift: m, as a share of the range of the inputs (per channel); −1 as in the paper.
        reference: whether the model's preprocessing, and with it what explainers take for black, is shifted too (``black``) or stays
            where it was (``zero``, which for images in [0, 1] is the zero input). Integrated Gradients from black passes the one and
            fails the other; from zero it fails both; a gradient passes and gradient × input fails both.
        tolerance: relative difference up to which it is rounding, and counts as 0.

    Returns:
        ``(B,)`` of at least 0, lower is better; NaN where the map is 0 everywhere, or where the logits of the two networks are not the
        same within 1e-3 of the greatest (a network that does not begin with convolutions or linear layers, or cuts its inputs off). The
        norm is Frobenius over pixels. (Quantus leaves the padding at 0 and the first
        pixel where it was, so that its two networks differ; it fails where the first layer has no bias, and answers yes or no to within
        1e-4.)
    """
    low, high = input_range(case)
    moved_by = shift * (high - low)
    key = ("harness-metrics", "shifted", shift, reference)
    other = kept_network(case.model, key, lambda: shifted_model(case.model, moved_by.cpu(), reference == "black"))
    inputs = case.images + moved_by
    change = relative_distance(case.explain(images=inputs, model=other), case.attributions, tolerance)
    return torch.where(computes_the_same(case, other, inputs), change, torch.nan)


def shifted_model(model: Classifier, shift: Tensor, preprocessing: bool) -> Classifier:
    """A model that computes of ``x + shift`` (C, 1, 1) what ``model`` does of x; its preprocessing adds the shift where asked to."""
    other = model.with_module(compensated(model, shift))
    if preprocessing:
        scaled = shift if model.std is None else shift * model.std
        other.mean = -scaled if model.mean is None else model.mean - scaled
        other.__dict__.pop("digest", None)
    return other
