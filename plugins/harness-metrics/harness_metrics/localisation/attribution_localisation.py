"""Attribution localisation (Kohlbrenner et al. 2020)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import KOHLBRENNER_2020
from harness_metrics.maps import masks_of, mass, mass_inside


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, None), passes=0, cite=KOHLBRENNER_2020)
def attribution_localisation(case: Case, *, weighted: bool = False, absolute: bool = False) -> Tensor:
    """Share of the positive relevance that lies inside the mask, weighted by the object's size if asked for.

    Kohlbrenner et al. 2020: ``μ = R_in / R_tot`` of the positive relevance, and ``μ_w = μ · S_tot / S_in``, S the number of
    pixels, for which 1 is chance whatever the size. Without weights it is relevance mass accuracy by another name. The authors' masks are
    bounding boxes, which `energy-pointing-game` takes.

    Args:
        case: the samples.
        weighted: multiply by ``S_tot / S_in``. (Quantus multiplies by the inverse, and takes S_tot from a slice of the batch that has no
            pixels for batches of one or two, so that its weighted score is infinite there.)
        absolute: of |a| instead of the positive part (Quantus's default).

    Returns:
        ``(B,)`` in [0, 1], or where ``weighted`` in [0, S_tot / S_in]; higher is better; NaN where the mask is empty or the map has no
        positive relevance.
    """
    masks = masks_of(case)
    ratio = mass_inside(mass(case.attributions, absolute), masks)
    return ratio / masks.float().mean(dim=(-2, -1)) if weighted else ratio
