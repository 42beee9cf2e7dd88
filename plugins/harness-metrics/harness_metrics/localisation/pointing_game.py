"""The pointing game (Zhang et al. 2018)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from harness.api import Case, metric
from harness_metrics.localisation.citations import ZHANG_2018
from harness_metrics.maps import masks_of, share


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=ZHANG_2018)
def pointing_game(case: Case, *, tolerance: Annotated[int, Field(ge=0)] = 0, absolute: bool = False) -> Tensor:
    """Whether the highest pixel lies inside the mask: 1 for a hit, 0 for a miss.

    Zhang et al. 2018, section 4.1: a hit is counted if the maximum point lies on the object; the mean over samples is their accuracy.

    Args:
        case: the samples.
        tolerance: pixels (Euclidean) by which the maximum may miss the mask; 15 in TorchRay, which carries on the authors' benchmarks of
            photographs.
        absolute: the maximum of |a| instead of that of the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty. Where several pixels share the maximum, the share of them that
        hit: the expectation over a fair choice (Quantus: a hit if any of them does), so that a constant map scores the mask's share of
            the image.
    """
    maps = case.attributions.abs() if absolute else case.attributions
    return hits_of_maximum(maps, masks_of(case), tolerance)


def hits_of_maximum(maps: Tensor, masks: Tensor, tolerance: int = 0) -> Tensor:
    """The share of each map's maxima that lie inside its mask, ``(B, H, W)`` both; NaN for an empty mask.

    >>> hits_of_maximum(torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[[True, False, False]]])).tolist()
    [0.5]
    """
    maxima = maps == maps.amax(dim=(-2, -1), keepdim=True)
    hits = (maxima & dilated(masks, tolerance)).sum(dim=(-2, -1)).float()
    return torch.where(masks.flatten(1).any(dim=1), share(hits, maxima.sum(dim=(-2, -1))), torch.nan)


def dilated(masks: Tensor, radius: int) -> Tensor:
    """``(B, H, W)`` bool, grown by a disc of ``radius`` pixels."""
    if radius == 0:
        return masks
    offsets = torch.arange(-radius, radius + 1, device=masks.device)
    disc = (offsets[:, None] ** 2 + offsets**2 <= radius**2).float()
    return F.conv2d(masks[:, None].float(), disc[None, None], padding=radius)[:, 0] > 0.5
