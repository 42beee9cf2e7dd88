"""Shapley values by random orders in which regions appear."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, explainer, to_float64
from harness.api.masking import Output, all_predictions, nothing_kept, shared_streams, target_outputs
from harness_perturbation import citations
from harness_perturbation.regions import RegionBaseline, RegionKind, Segments, by_count, find_regions, region_replacement


@explainer(
    family="Shapley values",
    signed=True,
    complete=True,
    passes=lambda params: params["permutations"] * (params["segments"] - 1) + 2,
    cite=citations.SHAPLEY_SAMPLING,
)
def shapley_sampling(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    permutations: Annotated[int, Field(ge=1)] = 25,
    regions: RegionKind = "slic",
    segments: Segments = 50,
    baseline: RegionBaseline = "black",
    output: Output = "logit",
    ctx: Context,
) -> Attribution:
    """Shapley value sampling: what a region adds to those before it, averaged over random orders (Castro et al. 2009, section 3).

    The map ``(B, H, W)`` is signed and sums to f(x) − f(x₀), x₀ the image with all regions replaced: each region's value is shared out
    equally to its pixels. Orders are drawn once for all images; each takes a forward pass per region but the last.

    Args:
        permutations: random orders; 25 is captum's.
        regions: superpixels by SLIC, or a grid.
        segments: about how many regions; a grid has the nearest square.
        baseline: what shows where a region is replaced: black, white, the image's mean colour, the blurred image, the zero tensor, uniform
            noise, the region's own mean colour, or ``convolution``, in-painting of what is kept around it.
        output: what is explained: the target's logit, or its probability.
    """
    found = find_regions(model, images, regions, segments)
    keys = shared_streams(ctx, found.most, permutations, images)
    places = torch.arange(found.most, device=images.device)

    def orders(count: int) -> tuple[Tensor, Tensor]:
        """Places ``(P, R)``, of regions that an image lacks behind the others, and who is there at every step ``(P (R − 1), R)``."""
        ranks = torch.cat([keys[:count].T.argsort(dim=1).argsort(dim=1), places[count:].expand(permutations, -1)], dim=1)
        return ranks, (ranks[:, None] < places[1:, None]).flatten(0, 1)

    ranks, kept = by_count(found, orders)
    replace = region_replacement(model, images, baseline, found, ctx)
    full, empty = (target_outputs(model, inputs, targets, output) for inputs in (images, nothing_kept(images, replace)))
    between = all_predictions(model, images, targets, masks=kept.shape[1], kept=found.masks(kept), replace=replace, output=output)
    walks = between.view(len(images), permutations, -1)
    ends = (end[:, None, None].expand(-1, permutations, -1) for end in (empty, full))
    gains = to_float64(torch.cat([next(ends), walks, next(ends)], dim=2)).diff(dim=2)
    shapley = gains.gather(2, ranks.to(gains.device).expand(len(images), -1, -1)).mean(dim=1)
    return Attribution(found.shared_out(shapley.to(images)), expected=full - empty)
