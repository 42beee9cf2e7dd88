"""Single deletion (Hesse et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, Unexplained, metric
from harness_metrics.curves import Output
from harness_metrics.faithfulness.citations import HESSE_2024
from harness_metrics.imputation import Imputation, Imputer, imputer
from harness_metrics.responses import Correlation, random_responses
from harness_metrics.similarity import similarity as similarity_of


def _passes(params: Mapping[str, Any]) -> float:
    """One per cell, and one for the image as it is."""
    return int(params["grid"]) ** 2 + 1


@metric(category="faithfulness", direction="higher", bounds=(-1, 1), passes=_passes, cite=HESSE_2024)
def single_deletion(
    case: Case,
    *,
    grid: Annotated[int, Field(ge=2)] = 4,
    reference: Imputation = "zero",
    similarity: Correlation = "spearman",
    output: Output = "logit",
    absolute: bool = False,
) -> Tensor:
    """Rank correlation of what each cell of a grid is worth to the map and to the model, when that cell alone is removed.

    Hesse et al. 2024: the correlation over the cells of the sum of the map with the drop of the target's logit. Their IDSDS (in-domain
    single deletion score) is this of a model that was fine-tuned on images with removed cells, so that these are nothing new to it; here
    the model is the one that is given, which may be such a one. No map decides what is removed: its passes are shared by all explainers.

    Args:
        case: the samples.
        grid: cells along a side, one forward pass each; the authors' 4. Where that does not divide the image's size, cells differ by a
            pixel (the authors leave out the rest at the right and the bottom).
        reference: what a removed cell becomes; the authors' 0 after normalisation, or noise, or the blurred image.
        similarity: the authors' correlation by rank, or Pearson's.
        output: of the model, for the target.
        absolute: sum |a| instead of the signed value.

    Returns:
        ``(B,)`` in [-1, 1], higher is better, 0 by chance; NaN where all cells have the same attribution (a constant map on equal cells) or
        the same drop. Tied cells share their average rank.
    """

    def draw(samples: Unexplained) -> tuple[Iterator[Tensor], Imputer]:
        return grid_cells(samples.images, grid), imputer(samples, reference)

    drops, sums = random_responses(case, ("single deletion", grid, reference), draw, output, absolute=absolute)
    return similarity_of(similarity)(sums, drops)


def grid_cells(images: Tensor, grid: int) -> Iterator[Tensor]:
    """The cells of a grid one after the other, row by row: ``(B, H, W)`` bool each, alike for all images ``(B, C, H, W)``.

    Raises ``ValueError`` for images of fewer pixels along a side than the grid has cells.
    """
    height, width = images.shape[-2:]
    if grid > min(height, width):
        raise ValueError(f"a grid of {grid} × {grid} cells on an image of {height} × {width} pixels: choose less")
    rows, columns = (torch.arange(length, device=images.device) * grid // length for length in (height, width))
    numbers = rows[:, None] * grid + columns
    cells = numbers == torch.arange(grid**2, device=images.device)[:, None, None]
    return (cell.expand(len(images), height, width) for cell in cells.unbind())
