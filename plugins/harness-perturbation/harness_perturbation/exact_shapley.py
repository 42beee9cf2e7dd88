"""Shapley values by enumeration."""

from __future__ import annotations

from math import factorial
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, explainer, to_float64
from harness.api.masking import Output, all_predictions
from harness_perturbation import citations
from harness_perturbation.regions import RegionBaseline, RegionKind, by_count, find_regions, region_replacement

MOST = 12
"""Regions of which all coalitions are tried: 4096 forward passes."""


@explainer(family="Shapley values", signed=True, complete=True, passes=lambda params: 2 ** params["segments"], cite=citations.SHAPLEY)
def exact_shapley(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    regions: RegionKind = "grid",
    segments: Annotated[int, Field(ge=2, le=MOST)] = 9,
    baseline: RegionBaseline = "black",
    output: Output = "logit",
    ctx: Context,
) -> Attribution:
    """Exact Shapley values of at most 12 regions, by all their coalitions (Shapley 1953, section 3).

    The map ``(B, H, W)`` is signed and sums to f(x) − f(x₀), x₀ the image with all regions replaced: each region's value is shared out
    equally to its pixels. It takes two to the number of regions forward passes.

    Args:
        regions: a grid, or superpixels by SLIC.
        segments: about how many regions; a grid has the nearest square.
        baseline: what shows where a region is replaced: black, white, the image's mean colour, the blurred image, the zero tensor, uniform
            noise, the region's own mean colour, or ``convolution``, in-painting of what is kept around it.
        output: what is explained: the target's logit, or its probability.
    """
    found = find_regions(model, images, regions, segments, MOST)
    kept, weights = by_count(found, lambda count: enumerated(count, images.device))
    values = all_predictions(
        model,
        images,
        targets,
        masks=kept.shape[1],
        kept=found.masks(kept),
        replace=region_replacement(model, images, baseline, found, ctx),
        output=output,
    )
    shapley = torch.einsum("brn,bn->br", to_float64(weights), to_float64(values))
    full = torch.tensor([2**count - 1 for count in found.counts], device=images.device).expand(len(images))
    return Attribution(found.shared_out(shapley.to(images)), expected=values.gather(1, full[:, None])[:, 0] - values[:, 0])


class Enumeration(NamedTuple):
    """All coalitions of R regions, the n-th of those whose bits n has.

    Attributes:
        kept: ``(2^R, R)`` bool.
        weights: ``(R, 2^R)``, by which the coalitions' values add up to Shapley values.
    """

    kept: Tensor
    weights: Tensor


def enumerated(count: int, device: torch.device) -> Enumeration:
    """A coalition S with r weighs (|S| − 1)! (R − |S|)! / R!, one without it −|S|! (R − |S| − 1)! / R!."""
    kept = torch.arange(2**count, device=device)[:, None] >> torch.arange(count, device=device) & 1 == 1
    joined = [0.0] + [factorial(size - 1) * factorial(count - size) / factorial(count) for size in range(1, count + 1)]
    left = [factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)] + [0.0]
    sizes = kept.sum(dim=1)
    with_it, without = (torch.tensor(shares, device=device)[sizes, None] for shares in (joined, left))
    return Enumeration(kept, torch.where(kept, with_it, -without).T)
