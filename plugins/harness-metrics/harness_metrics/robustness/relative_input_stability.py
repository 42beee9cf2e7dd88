"""Relative input stability (Agarwal et al. 2022)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import AGARWAL_2022
from harness_metrics.parameters import Radius, Samples
from harness_metrics.passes import explanations
from harness_metrics.robustness.neighbours import Neighbourhood, Noise, changes
from harness_metrics.robustness.relative_stability import keeps_class, largest_ratio


@metric(
    category="robustness",
    direction="lower",
    needs={"explainer"},
    bounds=(0, None),
    passes=explanations,
    cite=AGARWAL_2022,
)
def relative_input_stability(
    case: Case,
    *,
    noise: Noise = "gaussian",
    radius: Radius = 0.05,
    samples: Samples = 50,
) -> Tensor:
    """Largest relative change of the map per relative change of the input, among neighbours of the same class.

    Agarwal et al. 2022, equation 2: ``max ‖(Φ(x) − Φ(x′)) / Φ(x)‖₂ / max(‖(x − x′) / x‖₂, ε)`` over the neighbours x′ for which the model
    predicts the same class; division is element by element, each map is for the same target.

    Values near 0 dominate a relative change, of a map (a CAM after its ReLU, where a 0 that moves counts 1/ε) and of an input alike: this
    is the paper's definition, and why `max-sensitivity` may say something else.

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        noise: how neighbours are drawn.
        radius: standard deviation of Gaussian noise, or the L∞ radius of uniform noise, as a share of the range of the inputs: 0.05 as in
            the authors' benchmark. Quantus's default is uniform in [0.02, 0.2], which only ever adds.
        samples: draws; 50 as in the authors' experiments (Quantus: 200). Draws that change the class are left out and not replaced.
            In Quantus one such draw makes the sample NaN.

    Returns:
        ``(B,)`` of at least 0, lower is better; NaN for a map that is 0 everywhere, and where every neighbour changes the class. ε is 1e-6;
        a 0 is divided by as 1e-6 (of the map's largest absolute value, so that the scale of a map does not count).
    """
    around = Neighbourhood(noise, radius, samples)
    moved = changes(case, around)
    return largest_ratio(moved.relative, moved.relative_inputs, keeps_class(case, around))
