"""Relative output stability (Agarwal et al. 2022)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import AGARWAL_2022
from harness_metrics.parameters import Radius, Samples
from harness_metrics.passes import explanations
from harness_metrics.robustness.neighbours import Neighbourhood, Noise, answers, changes
from harness_metrics.robustness.relative_stability import keeps_class, largest_ratio


@metric(
    category="robustness",
    direction="lower",
    needs={"explainer"},
    bounds=(0, None),
    passes=explanations,
    cite=AGARWAL_2022,
)
def relative_output_stability(
    case: Case,
    *,
    noise: Noise = "gaussian",
    radius: Radius = 0.05,
    samples: Samples = 50,
) -> Tensor:
    """Largest relative change of the map per change of the logits, among neighbours of the same class.

    Agarwal et al. 2022, equation 5: ``max ‖(Φ(x) − Φ(x′)) / Φ(x)‖₂ / max(‖h(x) − h(x′)‖₂, ε)`` over the neighbours x′ for which the model
    predicts the same class, h all logits: an explanation may move where the model does. The change of the logits is not relative.

    Values near 0 dominate the relative change of a map. Those of a map that is multiplied by the input (gradient × input, LRP by its
    ε-rule) are near 0 where the image is near 0, and grow as much in number and size as the image gets darker: scores of images near black
    say how dark these are, and outweigh all others in a mean. `relative-input-stability` divides by a change that grows alike.

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        noise: how neighbours are drawn.
        radius: of the noise, as a share of the range of the inputs; see `relative-input-stability`, whose neighbours these are.
        samples: draws; those that change the class are left out and not replaced.

    Returns:
        ``(B,)`` of at least 0, lower is better; NaN for a map that is 0 everywhere, and where every neighbour changes the class. ε is 1e-6.
    """
    around = Neighbourhood(noise, radius, samples)
    return largest_ratio(changes(case, around).relative, answers(case, around).moved, keeps_class(case, around))
