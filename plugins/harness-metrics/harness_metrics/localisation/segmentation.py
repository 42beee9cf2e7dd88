"""Maps as segmentations: the pixels above a threshold, and how they agree with the mask."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case
from harness_metrics.maps import share
from harness_metrics.similarity import unit_range

Threshold = Literal["mean", "range", "quantile"]
"""The map's mean, a level between its minimum and maximum, or a quantile of its pixels."""
Level = Annotated[float, Field(ge=0, lt=1)]
"""Where in [0, 1) the threshold is."""
Classes = Literal["mask", "both"]
"""The mask alone, or the mask and the background, each of which the map finds."""


def segmentation(case: Case, threshold: Threshold, level: Level, absolute: bool) -> Tensor:
    """`above` of a case's maps, or of their absolute values."""
    return above(case.attributions.abs() if absolute else case.attributions, threshold, level)


def above(maps: Tensor, threshold: Threshold, level: Level = 0.5) -> Tensor:
    """The pixels of ``(B, H, W)`` that are greater than the map's threshold, bool; none of a constant map.

    Args:
        maps: any values.
        threshold: ``mean`` of the map; ``range``: ``level`` of the way from its minimum to its maximum; ``quantile``: that of its pixels,
            by linear interpolation (0.9 leaves the tenth that is greatest, less what is tied with the least of it).
        level: of ``range`` and ``quantile``.

    >>> above(torch.tensor([[[0.0, 1.0, 2.0, 9.0]]]), "mean").int().tolist()
    [[[0, 0, 0, 1]]]
    """
    units = unit_range(maps)
    if threshold == "mean":
        return units > units.mean(dim=(-2, -1), keepdim=True)
    if threshold == "range":
        return units > level
    ascending = units.flatten(1).sort(dim=1).values
    place = level * (ascending.shape[1] - 1)
    lower, upper = ascending[:, int(place)], ascending[:, min(int(place) + 1, ascending.shape[1] - 1)]
    return units > torch.lerp(lower, upper, place - int(place))[:, None, None]


def overlap(found: Tensor, masks: Tensor) -> Tensor:
    """Intersection over union of ``(B, H, W)`` and ``(B, H, W)``, bool: ``(B,)`` double in [0, 1]; NaN where both are empty.

    >>> overlap(torch.tensor([[[True, True, False]]]), torch.tensor([[[False, True, True]]])).item()
    0.3333333333333333
    """
    return share((found & masks).sum(dim=(-2, -1)).double(), (found | masks).sum(dim=(-2, -1)))


def unless_empty(scores: Tensor, masks: Tensor) -> Tensor:
    """``(B,)`` as float, NaN where the mask of ``(B, H, W)`` is empty."""
    return torch.where(masks.flatten(1).any(dim=1), scores, torch.nan).float()
