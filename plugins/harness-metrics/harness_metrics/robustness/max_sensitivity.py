"""Max-sensitivity (Yeh et al. 2019)."""

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
def max_sensitivity(
    case: Case,
    *,
    radius: Radius = 0.2,
    samples: Samples = 10,
    relative: bool = True,
) -> Tensor:
    """Largest change of the map within a small ball around the input.

    Yeh et al. 2019: ``max ‖Φ(x + δ) − Φ(x)‖`` over ``‖δ‖_∞ ≤ radius``, estimated by Monte Carlo, each map for the same
    target.

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        radius: of the ball, as a share of the range of the inputs: 0.2 for images in [0, 1] is the authors' for local explanations (0.1
            for global ones). Perturbed inputs are not clamped.
        samples: draws of δ, uniform in the ball; the authors' tables take 50, Captum's default is 10, Quantus's 200.
        relative: divide by ``‖Φ(x)‖``, as the authors' code and Quantus do, so that the scale of a map does not count. (Their code
            divides the running maximum once per draw; here it is divided once.)

    Returns:
        ``(B,)`` of at least 0, lower is better; where ``relative``, NaN for a map that is 0 everywhere. The norm is Frobenius over pixels.
    """
    return sensitivities(case, radius, samples, relative).amax(dim=1)
