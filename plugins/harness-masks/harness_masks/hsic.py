"""Dependence between a grid's cells and the output, by the Hilbert-Schmidt independence criterion."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, explainer, to_float64
from harness.api.masking import Baseline, Output, all_predictions, baseline_input, mixed_with
from harness_masks import citations
from harness_masks.grids import grid_masks, sobol_points

ENTRIES = 2**24
"""Of kernel matrices held at a time: 128 MiB."""


@explainer(family="perturbation", passes=lambda params: params["masks"], cite=citations.HSIC)
def hsic(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    cells: Annotated[int, Field(ge=1)] = 8,
    masks: Annotated[int, Field(ge=2)] = 500,
    baseline: Baseline = "zero",
    output: Output = "probability",
    ctx: Context,
) -> Attribution:
    """HSIC: how far the output depends on whether a cell is kept, of random binary masks (Novello et al. 2022, eq. 4 and section 3).

    The map ``(B, cells, cells)`` is coarse and not negative: Σ (H Kᵢ H) ∘ (H L H) / N, Kᵢ the kernel of a cell's mask (1/2 if equal, else
    −1/2), L a Gaussian of the outputs with their median as its width, H centring. Masks are points of Sobol's sequence, rounded, the same
    for every image and seed, as in the authors' package (the paper's are a Latin hypercube).

    Args:
        cells: rows and columns of the grid.
        masks: N.
        baseline: what shows where a cell is not kept: zero as in the authors' code (after normalisation, the data's mean colour), black,
            white, each image's mean colour, the blurred image, or uniform noise.
        output: what depends: the target's probability, or its logit.
    """
    kept = sobol_points(masks, cells * cells, images) > 0.5
    values = all_predictions(
        model,
        images,
        targets,
        masks=masks,
        kept=grid_masks(kept, cells, images),
        replace=mixed_with(images, baseline_input(model, images, baseline, ctx)),
        output=output,
    )
    return Attribution(dependence(kept, values).to(images).view(-1, cells, cells), coarse=True)


def dependence(kept: Tensor, values: Tensor) -> Tensor:
    """HSIC ``(B, d)``, in float64, of binary variables ``(N, d)`` and of outputs ``(B, N)``.

    Centred, the kernel of a binary variable is 2 x xᵀ, x the centred variable, so that the sum is 2 xᵀ L x / N.
    """
    centred = to_float64(kept) - to_float64(kept).mean(dim=0)
    found = []
    for some in to_float64(values).split(max(1, ENTRIES // len(kept) ** 2)):
        width = some.quantile(0.5, dim=1).square().clamp(min=torch.finfo(some.dtype).tiny)
        kernels = torch.exp(-(some[:, :, None] - some[:, None]).square() / (2 * width[:, None, None]))
        found.append(2 * torch.einsum("nd,bnm,md->bd", centred, kernels, centred) / len(kept))
    return torch.cat(found).clamp(min=0)
