"""Average sensitivity (Yeh et al. 2019; Bhatt et al. 2020)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import YEH_2019
from harness_metrics.parameters import Radius, Samples
from harness_metrics.passes import explanations
from harness_metrics.robustness.sensitivity import sensitivities


@metric(
    category="robustness",
    direction="lower",
    needs={"explainer"},
    bounds=(0, None),
    passes=explanations,
    cite=YEH_2019,
)
def average_sensitivity(
    case: Case,
    *,
    radius: Radius = 0.2,
    samples: Samples = 10,
    relative: bool = True,
) -> Tensor:
    """Mean change of the map within a small ball around the input.

    The mean where `max-sensitivity` (Yeh et al. 2019) takes the largest: ``E ‖Φ(x + δ) − Φ(x)‖`` over δ uniform in
    ``‖δ‖_∞ ≤ radius``, each map for the same target (Bhatt et al. 2020, with its distances Euclidean).

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        radius: of the ball, as a share of the range of the inputs. Perturbed inputs are not clamped.
        samples: draws of δ; Quantus takes 200. The neighbours, and what is explained for them, are those of `max-sensitivity`.
        relative: divide by ``‖Φ(x)‖``, as Quantus does.

    Returns:
        ``(B,)`` of at least 0, lower is better; where ``relative``, NaN for a map that is 0 everywhere. The norm is Frobenius over pixels.
    """
    return sensitivities(case, radius, samples, relative).mean(dim=1)
