"""Intersection over union of the map's segmentation with the mask (Chefer et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import CHEFER_2021
from harness_metrics.localisation.segmentation import Classes, Level, Threshold, overlap, segmentation, unless_empty
from harness_metrics.maps import masks_of


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=CHEFER_2021)
def iou(case: Case, *, threshold: Threshold = "mean", level: Level = 0.5, classes: Classes = "mask", absolute: bool = False) -> Tensor:
    """Intersection over union of the pixels above a threshold with the mask.

    ``|A ∩ S| / |A ∪ S|``, A the pixels above the threshold and S the mask. Chefer et al. 2021 take the mean of the map as the threshold,
    and as mIoU the mean of that of the mask and that of the background (``classes: both``). They count pixels over the whole data set
    before they divide; here each sample has its own score, of which the leaderboard takes the mean.

    Args:
        case: the samples.
        threshold: ``mean`` of the map, ``range`` (``level`` of the way from its minimum to its maximum) or ``quantile`` (that of its
            pixels; 0.9 is that of Fel et al. 2022). What is equal to the threshold is below it.
        level: of ``range`` and ``quantile``.
        classes: of the ``mask``, or the mean of ``both`` that and the same of all other pixels (there are some: the map's
            minimum is never above a threshold).
        absolute: of |a| instead of the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty. A constant map has no pixel above a threshold.
    """
    found, masks = segmentation(case, threshold, level, absolute), masks_of(case)
    score = overlap(found, masks)
    if classes == "both":
        score = torch.stack([score, overlap(~found, ~masks)]).mean(dim=0)
    return unless_empty(score, masks)
