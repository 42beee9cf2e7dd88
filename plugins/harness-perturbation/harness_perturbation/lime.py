"""LIME: a linear model of which regions are kept."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, Context, explainer, to_float64
from harness.api.masking import Output, all_predictions, shared_streams
from harness_perturbation import citations
from harness_perturbation.regions import RegionBaseline, RegionKind, Segments, by_count, find_regions, region_replacement


@explainer(family="perturbation", signed=True, passes=lambda params: params["samples"], cite=citations.LIME)
def lime(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    samples: Annotated[int, Field(ge=2)] = 1000,
    regions: RegionKind = "slic",
    segments: Segments = 50,
    baseline: RegionBaseline = "region-mean",
    kernel_width: Annotated[float, Field(gt=0)] = 0.25,
    penalty: Annotated[float, Field(gt=0)] = 1.0,
    output: Output = "probability",
    ctx: Context,
) -> Tensor:
    """LIME: weights of a linear model of the prediction, given which superpixels are kept (Ribeiro et al. 2016, eq. 1 and section 3.4).

    Returns ``(B, H, W)``: at each pixel the weight of its region, signed. Regions are kept with probability 1/2, the first sample is the
    image itself, and samples weigh exp(−d² / 2 σ²), d one less the cosine between their and the image's vector of kept regions. The model
    has an intercept and is fitted by ridge regression to all regions, as by the authors' package with its default of 100 000 features;
    there regions are of quickshift. Samples are drawn once for all images.

    Args:
        samples: masked images.
        regions: superpixels by SLIC, or a grid.
        segments: about how many regions.
        baseline: what shows where a region is replaced: its own mean colour as in the authors' package, black, white, the image's mean
            colour, the blurred image, the zero tensor, uniform noise, or ``convolution``, in-painting of what is kept around it.
        kernel_width: σ.
        penalty: of ridge regression.
        output: what is fitted: the target's probability, or its logit.
    """
    found = find_regions(model, images, regions, segments)
    drawn = shared_streams(ctx, found.most, samples, images).T < 0.5
    drawn[0] = True
    (kept,) = by_count(found, lambda count: (drawn[:, :count],))
    values = all_predictions(
        model,
        images,
        targets,
        masks=samples,
        kept=found.masks(kept),
        replace=region_replacement(model, images, baseline, found, ctx),
        output=output,
    )
    counts = torch.tensor(found.counts, device=images.device)
    weights = similarity(kept.sum(dim=2), counts[: len(kept), None], kernel_width)
    return found.at_pixels(ridge(kept, values, weights, penalty).to(images))


def similarity(sizes: Tensor, counts: Tensor, width: float) -> Tensor:
    """Weight of samples of which ``sizes`` of ``counts`` regions are kept: exp(−d² / 2 ``width``²), d the cosine distance to the image."""
    distances = 1 - (sizes / counts).sqrt()
    return torch.exp(-distances.square() / (2 * width**2))


def ridge(kept: Tensor, values: Tensor, weights: Tensor, penalty: float) -> Tensor:
    """Coefficients ``(B, R)`` of weighted ridge regression with an intercept, which is not penalised; float64.

    Args:
        kept: ``(B or 1, N, R)`` what ``values`` (B, N) are explained by.
        weights: ``(B or 1, N)`` of samples.
        penalty: what is added to the diagonal.
    """
    inputs, wanted, weights = to_float64(kept), to_float64(values), to_float64(weights)
    shares = weights / weights.sum(dim=1, keepdim=True)
    centred = inputs - torch.einsum("bn,bnr->br", shares, inputs)[:, None]
    residual = wanted - (shares * wanted).sum(dim=1, keepdim=True)
    gram = torch.einsum("bn,bnr,bns->brs", weights, centred, centred)
    gram.diagonal(dim1=1, dim2=2).add_(penalty)
    moment = torch.einsum("bn,bnr->br", weights * residual, centred)
    solved: Tensor = torch.linalg.solve(gram, moment[:, :, None])[:, :, 0]
    return solved
