"""How close is the same: float noise, and no more."""

from __future__ import annotations

import torch
from torch import Tensor

TOLERANCE = 1e-3
"""Greatest difference, relative to the greatest magnitude of the sample's own map (or to 1 for scores), that counts as float noise."""
MIN_SCALE = 1e-7


def map_difference(first: Tensor, second: Tensor) -> float:
    """The greatest difference of two maps ``(B, H, W)``, per sample relative to its own greatest magnitude; the worst sample counts."""
    if first.shape != second.shape:
        return float("inf")
    scale = torch.maximum(first.abs().flatten(1).amax(dim=1), second.abs().flatten(1).amax(dim=1)).clamp(min=MIN_SCALE)
    return float(((first - second).abs().flatten(1).amax(dim=1) / scale).max())


def score_difference(first: Tensor, second: Tensor) -> float:
    """The greatest difference of two scores ``(B,)``, relative to the greater of 1 and their magnitude; NaN equals NaN only."""
    if first.shape != second.shape or not torch.equal(first.isnan(), second.isnan()):
        return float("inf")
    scale = torch.maximum(first.abs(), second.abs()).clamp(min=1)
    difference = ((first - second).abs() / scale).nan_to_num(0.0)
    return float(difference.max()) if len(difference) else 0.0
