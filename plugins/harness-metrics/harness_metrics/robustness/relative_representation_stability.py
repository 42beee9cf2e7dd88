"""Relative representation stability (Agarwal et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case, Unexplained, metric
from harness_metrics.citations import AGARWAL_2022
from harness_metrics.parameters import Radius, Samples
from harness_metrics.passes import explanations
from harness_metrics.robustness.neighbours import Neighbourhood, Noise, changes, nonzero, norm
from harness_metrics.robustness.relative_stability import largest_ratio
from harness_metrics.robustness.representation import with_representation


@metric(
    category="robustness",
    direction="lower",
    needs={"explainer"},
    bounds=(0, None),
    passes=explanations,
    cite=AGARWAL_2022,
)
def relative_representation_stability(
    case: Case,
    *,
    noise: Noise = "gaussian",
    radius: Radius = 0.05,
    samples: Samples = 50,
    layer: str | None = None,
) -> Tensor:
    """Largest relative change of the map per relative change of the model's features, among neighbours of the same class.

    Agarwal et al. 2022, equation 3: ``max ‖(Φ(x) − Φ(x′)) / Φ(x)‖₂ / max(‖(L(x) − L(x′)) / L(x)‖₂, ε)`` over the neighbours x′ for which
    the model predicts the same class, L a representation inside the model.

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        noise: how neighbours are drawn.
        radius: of the noise, as a share of the range of the inputs; see `relative-input-stability`, whose neighbours these are.
        samples: draws; those that change the class are left out and not replaced.
        layer: whose output is L. The paper leaves it open (its code takes the first hidden layer of a small network, Quantus all layers
            in a row). By default L is the input of the last linear layer, and in a network without one the output of ``cam_layer``.

    Returns:
        ``(B,)`` of at least 0, lower is better; NaN for a map that is 0 everywhere, and where every neighbour changes the class. ε is 1e-6;
        a feature that is 0 (after a ReLU) is divided by as 1e-6: one that wakes dominates the representation's change.
    """
    around = Neighbourhood(noise, radius, samples)
    key = ["representations of neighbours", around.noise, around.radius, around.samples, layer]
    moved, kept = case.for_all_explainers(key, lambda samples: _representations(samples, around, layer)).unbind(dim=2)
    return largest_ratio(changes(case, around).relative, moved, kept > 0)


def _representations(case: Unexplained, around: Neighbourhood, layer: str | None) -> Tensor:
    """``(B, S, 2)`` the relative change of the representation, and 1 where the neighbour keeps the class, from one prediction of each."""
    reading, classes = with_representation(case.model, layer), case.model.num_classes
    original = case.predict(case.images, reading)
    features = original[:, classes:].double()
    divisor = nonzero(features, 1.0)
    moved, kept = [], []
    for images in around.parts(case):
        outputs = case.predict(images.flatten(0, 1), reading).view(*images.shape[:2], -1)
        moved.append(norm((outputs[..., classes:].double() - features) / divisor, 1))
        kept.append(outputs[..., :classes].argmax(dim=2) == original[:, :classes].argmax(dim=1))
    return torch.stack([torch.cat(moved), torch.cat(kept).double()], dim=2).transpose(0, 1)
