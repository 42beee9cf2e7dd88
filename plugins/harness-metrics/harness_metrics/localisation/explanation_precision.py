"""Explanation precision (Oliveira et al. 2024)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import OLIVEIRA_2024
from harness_metrics.localisation.precision import precision_at_size
from harness_metrics.maps import masks_of
from harness_metrics.ordering import case_ranks


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=OLIVEIRA_2024)
def explanation_precision(case: Case, *, absolute: bool = True) -> Tensor:
    """Share of the n most important pixels inside the mask, n its number of pixels.

    Oliveira et al. 2024: true positives among the n pixels of greatest importance, divided by n. A random map scores n / (H·W).

    Args:
        case: the samples.
        absolute: rank by |a|, as the authors' code does, so that evidence against the target counts too; else by the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty. Ties are in the seeded order of `ordering`. The authors'
        weighting of colour channels by luminance before ranking is not made: channels are summed, as everywhere.
    """
    return precision_at_size(case_ranks(case, absolute), masks_of(case))
