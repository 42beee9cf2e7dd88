"""The Dice coefficient of the map's segmentation and the mask (Dice 1945)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import DICE_1945
from harness_metrics.localisation.segmentation import Level, Threshold, overlap, segmentation, unless_empty
from harness_metrics.maps import masks_of


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=DICE_1945)
def dice(case: Case, *, threshold: Threshold = "mean", level: Level = 0.5, absolute: bool = False) -> Tensor:
    """Dice coefficient (F₁) of the pixels above a threshold and the mask.

    Dice 1945: ``2 |A ∩ S| / (|A| + |S|)``, A the pixels above the threshold and S the mask: the harmonic mean of the precision and
    the recall of the pixels, and a monotonic function of `iou`.

    Args:
        case: the samples.
        threshold: ``mean`` of the map, ``range`` (``level`` of the way from its minimum to its maximum) or ``quantile`` (that of its
            pixels; 0.9 is that of Fel et al. 2022). What is equal to the threshold is below it.
        level: of ``range`` and ``quantile``.
        absolute: of |a| instead of the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty. A constant map has no pixel above a threshold, and scores 0.
    """
    masks = masks_of(case)
    shared = overlap(segmentation(case, threshold, level, absolute), masks)
    return unless_empty(2 * shared / (1 + shared), masks)
