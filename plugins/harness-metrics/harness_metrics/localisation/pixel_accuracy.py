"""Pixel accuracy of the map's segmentation (Chefer et al. 2021)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import CHEFER_2021
from harness_metrics.localisation.segmentation import Level, Threshold, segmentation, unless_empty
from harness_metrics.maps import masks_of


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=CHEFER_2021)
def pixel_accuracy(case: Case, *, threshold: Threshold = "mean", level: Level = 0.5, absolute: bool = False) -> Tensor:
    """Share of the pixels that are on the right side of a threshold: those of the mask above it, all others not.

    Chefer et al. 2021, beside mIoU (`iou`) and mAP (`average-precision`). A map that finds nothing scores the background's share
    of the image, which is much if objects are small: read it beside the other two.

    Args:
        case: the samples.
        threshold: ``mean`` of the map, ``range`` (``level`` of the way from its minimum to its maximum) or ``quantile`` (that of its
            pixels). What is equal to the threshold is below it.
        level: of ``range`` and ``quantile``.
        absolute: of |a| instead of the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty. A constant map has no pixel above a threshold.
    """
    masks = masks_of(case)
    right = segmentation(case, threshold, level, absolute) == masks
    return unless_empty(right.double().mean(dim=(-2, -1)), masks)
