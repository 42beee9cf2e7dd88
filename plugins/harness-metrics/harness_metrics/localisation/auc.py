"""Area under the ROC curve of the map against the mask (Fawcett 2006)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import FAWCETT_2006
from harness_metrics.maps import masks_of, share
from harness_metrics.similarity import average_ranks


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=FAWCETT_2006)
def auc(case: Case, *, absolute: bool = False) -> Tensor:
    """Area under the ROC curve of the map as a classifier of pixels into mask and rest.

    Fawcett 2006: the probability that a pixel of the mask has a higher value than one outside it, ties counting half.
    A random map and a constant one score 0.5.

    Args:
        case: the samples.
        absolute: of |a| instead of the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty or covers the image.
    """
    maps = case.attributions.abs() if absolute else case.attributions
    return area_under_roc(maps.flatten(1), masks_of(case).flatten(1))


def area_under_roc(scores: Tensor, positive: Tensor) -> Tensor:
    """``(B,)`` of the rows of ``scores`` (B, N) for the classes ``positive`` (B, N) bool, by the Mann–Whitney statistic; ties are exact.

    >>> import torch
    >>> area_under_roc(torch.tensor([[3.0, 2.0, 2.0, 1.0]]), torch.tensor([[True, True, False, False]])).item()
    0.875
    """
    size = positive.sum(dim=1).double()
    above = (average_ranks(scores) * positive).sum(dim=1) - size * (size - 1) / 2
    return share(above, size * (positive.shape[1] - size)).float()
