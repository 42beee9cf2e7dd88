"""The saliency metric (Dabkowski and Gal 2017)."""

from __future__ import annotations

from math import log
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from harness.api import Case, metric
from harness.api.geometry import masks_to_boxes
from harness_metrics.faithfulness.citations import DABKOWSKI_2017
from harness_metrics.maps import energetic, mass

SMALLEST = 0.05
"""Share of the image below which a smaller crop is no better: classifiers know little of such parts."""


@metric(category="faithfulness", direction="lower", bounds=(log(SMALLEST), None), passes=1, cite=DABKOWSKI_2017)
def saliency_metric(
    case: Case,
    *,
    by: Literal["value", "energy"] = "value",
    fraction: Annotated[float, Field(gt=0, le=1)] = 0.5,
    absolute: bool = False,
) -> Tensor:
    """How small a crop holds the salient region, and how sure the model is of that crop: log area − log probability.

    Dabkowski and Gal 2017: the tightest rectangle around the salient region is cut out and resized to the whole image;
    ``s = log max(a, 0.05) − log p``, where a is its share of the image and p the target's probability for it. A crop holds nothing that
    masking could have drawn into the image, and cannot be had cheaply by a large region or by one that the model does not know.

    Args:
        case: the samples.
        by: the salient region is where the map is at least ``fraction`` of its maximum (``value``), or the fewest pixels that hold
            ``fraction`` of its sum, and their ties (``energy``). A mask in [0, 1], as the authors' maps are, is cut at a half.
        fraction: of the maximum, or of the sum.
        absolute: take |a| instead of the positive part.

    Returns:
        ``(B,)`` of at least log 0.05 = −2.996, lower is better, 0 for a map that takes in the whole of an image that the model is certain
        of; NaN for a map without a positive value, which has no salient region.
    """
    shown = mass(case.attributions, absolute)
    boxes = masks_to_boxes(above(shown, fraction) if by == "value" else energetic(shown, fraction)).to(case.images)
    crops = resized_crops(case.images, boxes)
    logp = case.model.log_probabilities(case.predict(crops)).gather(1, case.targets[:, None])[:, 0]
    covered = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1) / shown[0].numel()
    return torch.where(shown.amax(dim=(1, 2)) > 0, covered.clamp_min(SMALLEST).log() - logp, torch.nan)


def above(values: Tensor, fraction: float) -> Tensor:
    """``(B, H, W)`` bool: where a non-negative map is at least ``fraction`` of its maximum."""
    return values >= fraction * values.amax(dim=(1, 2), keepdim=True)


def resized_crops(images: Tensor, boxes: Tensor) -> Tensor:
    """Each image's box ``x0, y0, x1, y1`` (B, 4) at the size of the image ``(B, C, H, W)``, bilinearly, without a look beyond the box."""
    axes = []
    for length, first, last in zip(images.shape[:-3:-1], boxes.T[:2, :, None], boxes.T[2:, :, None] - 1, strict=True):  # x, then y
        centres = (torch.arange(length, device=images.device, dtype=images.dtype) + 0.5) / length
        inside = torch.minimum((first + centres * (last + 1 - first) - 0.5).clamp(min=first), last)
        axes.append((2 * inside + 1) / length - 1)
    x, y = axes
    size = (len(images), y.shape[1], x.shape[1])
    grid = torch.stack([x[:, None, :].expand(size), y[:, :, None].expand(size)], dim=-1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
