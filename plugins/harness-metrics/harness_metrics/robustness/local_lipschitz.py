"""Local Lipschitz estimate (Alvarez-Melis and Jaakkola 2018)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import ALVAREZ_MELIS_2018
from harness_metrics.maps import share
from harness_metrics.parameters import Radius, Samples
from harness_metrics.passes import explanations
from harness_metrics.robustness.neighbours import Neighbourhood, Noise, changes


@metric(
    category="robustness",
    direction="lower",
    needs={"explainer"},
    bounds=(0, None),
    passes=explanations,
    cite=ALVAREZ_MELIS_2018,
)
def local_lipschitz(
    case: Case,
    *,
    noise: Noise = "gaussian",
    radius: Radius = 0.1,
    samples: Samples = 200,
    normalise: bool = True,
) -> Tensor:
    """Largest change of the map per change of the input, among neighbours of the input.

    Alvarez-Melis and Jaakkola 2018: ``max ‖Φ(x) − Φ(x′)‖₂ / ‖x − x′‖₂`` over x′ near x, each map for the same target. The
    authors search for the worst x′ in a box by Bayesian optimisation; here, as in Quantus, x′ are draws, so that this is a lower bound.

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        noise: how neighbours are drawn; the authors' box is ``uniform``.
        radius: standard deviation of Gaussian noise (0.1 is Quantus's), or half the side of the box, as a share of the range of the
            inputs. Perturbed inputs are not clamped.
        samples: draws; 200 is Quantus's.
        normalise: divide each map by its own largest absolute value first, as Quantus does by default (over the batch; a sample at a time
            it is this). Without it the scale of an explainer's maps decides, as in the paper.

    Returns:
        ``(B,)`` of at least 0, lower is better; where ``normalise``, NaN for a map that is 0 everywhere. Norms are Euclidean, over pixels
        and over all values of the input, which are in units of their range (an image in [0, 1]).
    """
    moved = changes(case, Neighbourhood(noise, radius, samples))
    return share(moved.normalised if normalise else moved.maps, moved.inputs).amax(dim=1)
