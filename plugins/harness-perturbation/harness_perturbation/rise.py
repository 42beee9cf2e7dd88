"""RISE: random masks, weighted by what the model says of what they leave."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, Context, explainer
from harness.api.masking import Baseline, baseline_input, mixed_with, predictions, shared_streams
from harness_perturbation import citations


@explainer(family="perturbation", signed=False, passes=lambda params: params["masks"], cite=citations.RISE)
def rise(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    masks: Annotated[int, Field(ge=1)] = 4000,
    cells: Annotated[int, Field(ge=2)] = 7,
    probability: Annotated[float, Field(gt=0, le=1)] = 0.5,
    baseline: Baseline = "zero",
    ctx: Context,
) -> Tensor:
    """RISE: the mean of random masks, weighted by the target's probability for the masked image (Petsiuk et al. 2018, eq. 6).

    Returns ``(B, H, W)``, Σ p(x ⊙ m) m / (N E[m]), not negative: the expected probability if the pixel is kept. One set of masks serves all
    images. Each is a grid of cells that are kept at random, enlarged bilinearly to one cell more than the image has, of which a part
    is cut out at random, as by the authors' code.

    Args:
        masks: random masks; the paper takes 4000 for VGG-16 and 8000 for ResNet-50.
        cells: rows and columns of a mask before it is enlarged.
        probability: that a cell is kept.
        baseline: what shows where the mask is 0: zero as in the paper (after normalisation, the data's mean colour), black, white, each
            image's mean colour, the blurred image, or uniform noise.
    """
    drawn = shared_streams(ctx, cells * cells + 2, masks, images).T
    draw = RandomMasks(drawn, cells, probability, images.shape[-2], images.shape[-1])
    replace = mixed_with(images, baseline_input(model, images, baseline, ctx))
    total = torch.zeros_like(images[:, 0])
    for _, shares, found in predictions(model, images, targets, masks=masks, kept=draw, replace=replace, output="probability"):
        total += torch.einsum("sb,shw->bhw", found.to(shares), shares[:, 0])
    return total / (masks * probability)


class RandomMasks:
    """Enlarged grids of random cells; called with numbers of masks it gives ``(S, 1, H, W)`` in 0 … 1.

    Args:
        drawn: ``(N, cells² + 2)`` uniform in [0, 1): the cells of each mask, and how far down and across its part begins.
        cells: rows and columns of the grid.
        probability: that a cell is 1.
        height, width: of an image.
    """

    def __init__(self, drawn: Tensor, cells: int, probability: float, height: int, width: int) -> None:
        self.grids = (drawn[:, : cells * cells] < probability).view(-1, cells, cells).float()
        self.down, self.across = drawn[:, -2], drawn[:, -1]
        self.height, self.width = height, width

    def __call__(self, part: range) -> Tensor:
        """The masks of these numbers."""
        chosen = slice(part.start, part.stop)
        rows = _enlarging(self.down[chosen], self.height, self.grids.shape[1])
        columns = _enlarging(self.across[chosen], self.width, self.grids.shape[1])
        return (rows @ self.grids[chosen] @ columns.mT)[:, None]


def _enlarging(starts: Tensor, length: int, cells: int) -> Tensor:
    """``(S, length, cells)`` weights by which cells are interpolated at each pixel, for parts that begin at ``starts`` in [0, 1) of a cell.

    The whole has a cell more than the image, in which centres of pixels lie as those of cells do, and the grid is mirrored at its borders
    (scikit-image's ``resize``, which the authors use).
    """
    cell = -(-length // cells)
    first = (starts * cell).floor()
    places = (first[:, None] + torch.arange(length, device=starts.device) + 0.5) * cells / ((cells + 1) * cell) - 0.5
    distances = places[:, :, None] - torch.arange(-1, cells + 1, device=starts.device)
    weights = (1 - distances.abs()).clamp(min=0)
    inside = weights[..., 1:-1].clone()
    inside[..., 1] += weights[..., 0]
    inside[..., -2] += weights[..., -1]
    return inside
