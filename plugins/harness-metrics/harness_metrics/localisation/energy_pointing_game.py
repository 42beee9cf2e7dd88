"""The energy-based pointing game (Wang et al. 2020)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.boxes import boxes_of, inside
from harness_metrics.localisation.citations import WANG_2020
from harness_metrics.maps import mass, mass_inside


@metric(category="localisation", direction="higher", needs={"boxes"}, bounds=(0, 1), passes=0, cite=WANG_2020)
def energy_pointing_game(case: Case, *, absolute: bool = False) -> Tensor:
    """Share of the map's energy inside the object's bounding boxes.

    Wang et al. 2020 (Score-CAM): ``Σ L_bbox / (Σ L_bbox + Σ L_outside)`` of a non-negative map L. A constant map scores the
    boxes' share of the image. It is relevance mass accuracy with boxes in the place of masks.

    Args:
        case: the samples; where boxes are not given, the box round the mask. A pixel is inside where its centre is in any of the boxes.
        absolute: the energy of a pixel is |a|; by default its positive part. (Their maps are non-negative. Bringing a map to [0, 1] by its
            minimum, as they show maps, would give a constant to the background, and is not done.)

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN for a sample without a box or a map without energy.
    """
    size = (case.attributions.shape[-2], case.attributions.shape[-1])
    return mass_inside(mass(case.attributions, absolute), inside(boxes_of(case), size))
