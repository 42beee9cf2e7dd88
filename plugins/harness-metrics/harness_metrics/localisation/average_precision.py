"""Average precision of the map against the mask (Davis and Goadrich 2006)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.api import Case, metric
from harness_metrics.localisation.citations import DAVIS_2006
from harness_metrics.localisation.segmentation import Classes
from harness_metrics.maps import masks_of, share
from harness_metrics.similarity import unit_range


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=DAVIS_2006)
def average_precision(case: Case, *, classes: Classes = "mask", absolute: bool = False) -> Tensor:
    """Average precision of the map as a ranking of pixels: the area under its curve of precision over recall (AUPRC).

    Precision at each value of the map, weighted by the recall that is gained there: ``Σ (R_n − R_n₋₁) P_n``, without interpolation,
    which would be too optimistic (Davis and Goadrich 2006). Pixels of one value are taken together. A constant map scores the mask's
    share of the image, a random one of few pixels slightly more.

    Args:
        case: the samples.
        classes: of the ``mask``, or of ``both``: the map, brought to [0, 1] by its minimum and maximum, as the score of each pixel for the
            mask, and 1 less it as that for the background, in one ranking of twice as many. That is the mAP of Chefer et al. 2021; a
            constant map has no such range, and scores 0.5.
        absolute: of |a| instead of the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty.
    """
    maps, masks = (case.attributions.abs() if absolute else case.attributions), masks_of(case)
    if classes == "mask":
        return area_under_precision(maps.flatten(1), masks.flatten(1))
    units = unit_range(maps).nan_to_num(0.5).flatten(1)
    both = torch.cat([units, 1 - units], dim=1), torch.cat([masks, ~masks], dim=1).flatten(1)
    return torch.where(masks.flatten(1).any(dim=1), area_under_precision(*both), torch.nan)


def area_under_precision(scores: Tensor, positive: Tensor) -> Tensor:
    """``(B,)`` of the rows of ``scores`` (B, N) for the classes ``positive`` (B, N) bool; NaN without a positive.

    >>> round(area_under_precision(torch.tensor([[3.0, 2.0, 2.0, 1.0]]), torch.tensor([[True, True, False, False]])).item(), 4)
    0.8333
    """
    descending, order = scores.sort(dim=1, descending=True)
    hits = positive.gather(1, order)
    places = torch.arange(scores.shape[1], device=scores.device)
    ends = F.pad(descending[:, 1:] != descending[:, :-1], (0, 1), value=True)
    last = torch.where(ends, places, scores.shape[1]).flip(1).cummin(dim=1).values.flip(1)  # of the pixels of the same value
    precision = hits.cumsum(dim=1).gather(1, last).double() / (last + 1)
    return share((precision * hits).sum(dim=1), hits.sum(dim=1)).float()
