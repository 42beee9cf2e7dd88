"""Relevance mass accuracy (Arras et al. 2022)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import ARRAS_2022
from harness_metrics.maps import masks_of, mass, mass_inside


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=ARRAS_2022)
def relevance_mass_accuracy(case: Case, *, absolute: bool = False) -> Tensor:
    """Share of the map's mass that lies inside the mask.

    Arras et al. 2022: ``R_within / R_total`` of a non-negative relevance. A constant map scores the mask's share of the image.

    Args:
        case: the samples.
        absolute: the mass of a pixel is |a|; by default its positive part, since negative values are evidence against the target. (Quantus
            divides signed sums where it is told not to take absolute values, and leaves [0, 1].)

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty or the map has no mass.
    """
    return mass_inside(mass(case.attributions, absolute), masks_of(case))
