"""Feature ablation: one region replaced at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Classifier, Context, explainer
from harness.api.masking import Output, all_predictions, target_outputs
from harness_perturbation import citations
from harness_perturbation.regions import RegionBaseline, RegionKind, Segments, find_regions, region_replacement


@explainer(family="perturbation", signed=True, passes=lambda params: params["segments"] + 1, cite=citations.FEATURE_ABLATION)
def feature_ablation(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    regions: RegionKind = "slic",
    segments: Segments = 50,
    baseline: RegionBaseline = "black",
    output: Output = "logit",
    ctx: Context,
) -> Tensor:
    """Feature ablation: how far the target's logit falls when one superpixel is replaced (Kokhlikyan et al. 2020).

    Returns ``(B, H, W)``: at each pixel what its region's replacement costs, signed. It sums to nothing in particular: what two regions
    share is lost with either, or with neither.

    Args:
        regions: superpixels by SLIC, or a grid.
        segments: about how many regions; a grid has the nearest square.
        baseline: what shows where a region is replaced: black, white, the image's mean colour, the blurred image, the zero tensor, uniform
            noise, the region's own mean colour, or ``convolution``, in-painting of what is kept around it.
        output: what falls: the target's logit, or its probability.
    """
    found = find_regions(model, images, regions, segments)
    others = ~torch.eye(found.most, dtype=torch.bool, device=images.device)
    replace = region_replacement(model, images, baseline, found, ctx)
    values = all_predictions(model, images, targets, masks=found.most, kept=found.masks(others[None]), replace=replace, output=output)
    return found.at_pixels(target_outputs(model, images, targets, output)[:, None] - values)
