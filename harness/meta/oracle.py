"""The oracle's maps, made of the samples' masks, by which metrics are tried. Explainers are given no mask."""

from __future__ import annotations

from torch import Tensor

from harness.api.blurring import gaussian_blur

BLUR_SIGMA = 2.0  # pixels


def maps_from_masks(masks: Tensor) -> Tensor:
    """Maps ``(B, H, W)`` that are 0 outside ``masks`` (B, H, W), positive inside, and the higher the more of the mask is around."""
    inside = masks[:, None].float()
    return (inside * gaussian_blur(inside, BLUR_SIGMA))[:, 0]
