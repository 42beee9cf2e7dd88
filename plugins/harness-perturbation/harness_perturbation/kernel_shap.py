"""Kernel SHAP: Shapley values by weighted regression."""

from __future__ import annotations

from math import comb
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, explainer, to_float64
from harness.api.masking import Output, all_predictions, nothing_kept, shared_streams, target_outputs
from harness_perturbation import citations
from harness_perturbation.exact_shapley import enumerated
from harness_perturbation.regions import RegionBaseline, RegionKind, Segments, by_count, find_regions, region_replacement

RIDGE = 1e-9
"""Share of the mean diagonal that is added to it, so that fewer coalitions than regions have a solution too."""


@explainer(family="Shapley values", signed=True, complete=True, passes=lambda params: params["samples"] + 2, cite=citations.KERNEL_SHAP)
def kernel_shap(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    samples: Annotated[int, Field(ge=2)] = 1000,
    regions: RegionKind = "slic",
    segments: Segments = 50,
    baseline: RegionBaseline = "black",
    output: Output = "logit",
    ctx: Context,
) -> Attribution:
    """Kernel SHAP: Shapley values of superpixels by least squares over coalitions (Lundberg and Lee 2017, theorem 2).

    The map ``(B, H, W)`` is signed and sums to f(x) − f(x₀), x₀ the image with all regions replaced: each region's value is shared out
    equally to its pixels. Coalitions are drawn as Shapley's kernel weighs them, in pairs with their complements (Covert and Lee 2021), once
    for all images; of so few regions that all their coalitions are no more than ``samples`` all are tried, and values are exact. Both ends
    are met exactly, not by large weights.

    Args:
        samples: coalitions besides the empty and the full one.
        regions: superpixels by SLIC, or a grid.
        segments: about how many regions; a grid has the nearest square.
        baseline: what shows where a region is replaced: black, white, the image's mean colour, the blurred image, the zero tensor, uniform
            noise, the region's own mean colour, or ``convolution``, in-painting of what is kept around it.
        output: what is explained: the target's logit, or its probability.
    """
    found = find_regions(model, images, regions, segments)
    drawn = shared_streams(ctx, found.most + 1, samples, images)
    kept, weights = by_count(found, lambda count: _coalitions(count, samples, drawn[0], drawn[1 : count + 1].T))
    replace = region_replacement(model, images, baseline, found, ctx)
    values = all_predictions(model, images, targets, masks=kept.shape[1], kept=found.masks(kept), replace=replace, output=output)
    full, empty = (target_outputs(model, inputs, targets, output) for inputs in (images, nothing_kept(images, replace)))
    counts = torch.tensor(found.counts, device=images.device)
    shapley = constrained_least_squares(kept, values - empty[:, None], weights, full - empty, counts[: len(kept)])
    return Attribution(found.shared_out(shapley.to(images)), expected=full - empty)


class Coalitions(NamedTuple):
    """Coalitions of R regions for the regression.

    Attributes:
        kept: ``(N, R)`` bool.
        weights: ``(N,)``.
    """

    kept: Tensor
    weights: Tensor


def _coalitions(count: int, samples: int, sizes: Tensor, keys: Tensor) -> Coalitions:
    """All coalitions if they are no more than ``samples``, else drawn ones by uniform numbers for sizes (N,) and regions (N, R)."""
    if 2**count - 2 <= samples:
        kept = enumerated(count, keys.device).kept
        proper = torch.arange(1, count, device=keys.device).tolist()
        by_size = [0.0, *((count - 1) / (comb(count, size) * size * (count - size)) for size in proper), 0.0]
        return Coalitions(kept, torch.tensor(by_size, device=keys.device)[kept.sum(dim=1)])
    return drawn_coalitions(count, samples, sizes, keys)


def drawn_coalitions(count: int, samples: int, sizes: Tensor, keys: Tensor) -> Coalitions:
    """Coalitions of sizes as frequent as the kernel's weight of all of that size, 1 / (s (R − s)), each followed by its complement."""
    pairs = -(-samples // 2)
    proper = torch.arange(1, count, device=keys.device)
    shares = 1 / (proper * (count - proper))
    steps = (shares / shares.sum()).cumsum(0)[:-1].contiguous()
    chosen = proper[torch.searchsorted(steps, sizes[:pairs], right=True)]
    first = keys[:pairs].argsort(dim=1).argsort(dim=1) < chosen[:, None]
    kept = torch.stack([first, ~first], dim=1).flatten(0, 1)[:samples]
    return Coalitions(kept, torch.ones_like(kept[:, 0], dtype=torch.float32))


def constrained_least_squares(kept: Tensor, values: Tensor, weights: Tensor, total: Tensor, counts: Tensor) -> Tensor:
    """φ ``(B, R)`` with the least Σ w (v − Σ φ)² whose sum is ``total``; float64.

    Args:
        kept: ``(B or 1, N, R)`` bool, whose φ add up to ``values`` (B, N).
        weights: ``(B or 1, N)``.
        total: ``(B,)``.
        counts: ``(B or 1,)`` how many of the R an image has; the others get 0.
    """
    inputs, values, weights, total = (to_float64(given) for given in (kept, values, weights, total))
    there = to_float64(torch.arange(kept.shape[2], device=kept.device) < counts[:, None])
    gram = torch.einsum("bn,bnr,bns->brs", weights, inputs, inputs)
    mean = gram.diagonal(dim1=1, dim2=2).sum(dim=1) / there.sum(dim=1)
    gram.diagonal(dim1=1, dim2=2).add_((RIDGE * mean).clamp(min=RIDGE)[:, None] + (1 - there))
    moment = torch.einsum("bn,bnr->br", weights * values, inputs)
    free, ones = (torch.linalg.solve(gram, side[:, :, None])[:, :, 0] for side in (moment, there))
    solved: Tensor = free + ones * ((total - free.sum(dim=1)) / ones.sum(dim=1))[:, None]
    return solved
