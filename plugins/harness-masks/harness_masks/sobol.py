"""Total-order Sobol indices of a grid's cells."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, explainer, to_float64
from harness.api.masking import Baseline, Output, all_predictions, baseline_input, mixed_with
from harness_masks import citations
from harness_masks.grids import grid_masks, sobol_points

ROUNDING = 1e-6
"""Standard deviation of outputs, relative to their mean size, up to which they are the same but for rounding."""


@explainer(family="perturbation", passes=lambda params: params["designs"] * (params["cells"] ** 2 + 1), cite=citations.SOBOL)
def sobol(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    cells: Annotated[int, Field(ge=1)] = 8,
    designs: Annotated[int, Field(ge=2)] = 32,
    baseline: Baseline = "zero",
    output: Output = "logit",
    ctx: Context,
) -> Attribution:
    """Sobol indices: the share of the output's variance under random masks that a cell has part in (Fel et al. 2021, eq. 5).

    The map ``(B, cells, cells)`` is coarse, not negative: Jansen's estimator of the total-order index, Σ (f(A) − f(Cᵢ))² / (2 N Var f(A)),
    of masks A and of Cᵢ, A with cell i taken from masks B. All are points of one quasi-random sequence, the same for every image and seed.
    Where the output does not vary the map is 0. The authors' code asks the model for B too, and makes no use of it.

    Args:
        cells: rows and columns of the grid.
        designs: N; the authors' code has 32 for TensorFlow and 64 for PyTorch. Powers of 2 are best.
        baseline: what shows where the mask is 0: zero as in the authors' code (after normalisation, the data's mean colour), black, white,
            each image's mean colour, the blurred image, or uniform noise.
        output: whose variance: the target's logit, or its probability.
    """
    count = cells * cells
    points = sobol_points(designs, 2 * count, images)
    masks = replicated_designs(points[:, :count], points[:, count:]).flatten(0, 1)
    values = all_predictions(
        model,
        images,
        targets,
        masks=len(masks),
        kept=grid_masks(masks, cells, images),
        replace=mixed_with(images, baseline_input(model, images, baseline, ctx)),
        output=output,
    )
    indices = total_order_indices(values.view(len(images), count + 1, designs))
    return Attribution(indices.to(images).view(-1, cells, cells), coarse=True)


def replicated_designs(first: Tensor, second: Tensor) -> Tensor:
    """A ``(N, d)``, and for each of its columns A with that column of B: ``(1 + d, N, d)``."""
    columns = torch.eye(first.shape[1], dtype=torch.bool, device=first.device)
    return torch.cat([first[None], torch.where(columns[:, None], second, first)])


def total_order_indices(values: Tensor) -> Tensor:
    """Jansen's estimator ``(B, d)``, in float64, of outputs ``(B, 1 + d, N)`` for `replicated_designs`."""
    exact = to_float64(values)
    first, others = exact[:, :1], exact[:, 1:]
    variance = first.var(dim=2)
    varies = variance > (ROUNDING * first.abs().mean(dim=2)).square()
    return torch.where(varies, (first - others).square().mean(dim=2) / (2 * variance), 0)
