"""Meaningful perturbation: the smallest smooth hole that takes the target's probability away."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from harness.api import Classifier, Context, explainer
from harness.api.blurring import gaussian_blur
from harness.api.gradients import no_gradient_reason
from harness.api.masking import Baseline, baseline_input, mixed_with
from harness_masks import citations
from harness_masks.search import at_224, differences_between_neighbours, minimised, of_targets, strong_blur

RADII = 35
"""Sizes of the disc that the search begins with."""
SUPPRESSED = 0.01
"""What is left of the probability under the smallest disc that is large enough, relative to what all that can be taken away is."""
TRUNCATED = 4.0


@explainer(family="perturbation", passes=lambda params: 2 * params["steps"] + RADII + 1, cite=citations.MEANINGFUL_PERTURBATION)
def meaningful_perturbation(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Annotated[int, Field(ge=0)] = 300,
    rate: Annotated[float, Field(gt=0)] = 0.1,
    area: Annotated[float, Field(ge=0)] = 1e-4,
    smoothness: Annotated[float, Field(ge=0)] = 1e-2,
    power: Annotated[float, Field(ge=1)] = 3.0,
    jitter: Annotated[int, Field(ge=0)] = 4,
    cell: Annotated[int, Field(ge=1)] | None = None,
    baseline: Baseline = "blur",
    ctx: Context,
) -> Tensor:
    """Meaningful perturbation: the mask under which the target's probability is least (Fong and Vedaldi 2017, eq. 5).

    Returns ``(B, H, W)`` in 0 … 1, 1 where the image is deleted: 1 − m, of m with the least λ₁ ‖1 − m‖₁ + λ₂ Σ ‖∇m‖_β^β + E f(Φ(x, m)), by
    Adam. m has a cell for several pixels, is enlarged bilinearly and smoothed by a Gaussian; what it leaves is shifted at random at each
    step.
    The search begins with a disc at the middle, the smallest that takes away 99 % of what deleting everything does. The blur that replaces
    has σ 10 (at least 3), the smoothing 5, a cell 8 pixels, as the paper has them for 224 pixels, in proportion to the shorter side. Where
    what replaces the image is still classified as the target nothing is deleted, and the map is 0. A search for so long can part
    by rounding: of a LeNet a map differed by up to 1 % between batches.

    Args:
        steps: of Adam.
        rate: Adam's learning rate.
        area: λ₁, by which each deleted cell counts.
        smoothness: λ₂, by which differences between neighbouring cells count.
        power: β of these differences.
        jitter: pixels by which the image is shifted at most, for 224.
        cell: pixels to a cell of the mask; by default 8/224 of the shorter side.
        baseline: what shows where the image is deleted: the strongly blurred image, black, white, its mean colour, zero, or uniform noise.
    """
    hidden = (
        gaussian_blur(images, strong_blur(images, 10), TRUNCATED) if baseline == "blur" else baseline_input(model, images, baseline, ctx)
    )
    size = (images.shape[-2], images.shape[-1])
    side = cell or max(1, round(at_224(images, 8)))
    replace = mixed_with(images, hidden)
    start = smallest_disc(model, images, targets, hidden, (-(-size[0] // side), -(-size[1] // side)))
    furthest = round(at_224(images, jitter))
    drawn = ctx.uniform((2,), draws=steps).to(images.device) if steps else None

    def losses(cells: Tensor, step: int) -> Tensor:
        shown = replace(enlarged(cells, size, at_224(images, 5))[None])[0]
        if furthest and drawn is not None:
            shown = shifted(shown, (drawn[step] * (2 * furthest + 1)).long() - furthest)
        probabilities = of_targets(model.probabilities(model(shown)), targets)
        rough = differences_between_neighbours(cells, power)
        return area * (1 - cells).sum((1, 2)) + smoothness * rough + probabilities

    cells = minimised(start, losses, steps, partial(torch.optim.Adam, lr=rate))
    return (1 - enlarged(cells, size, at_224(images, 5))).clamp(0, 1)


meaningful_perturbation.applicable = no_gradient_reason  # type: ignore[attr-defined]


def enlarged(cells: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """``(B, H, W)`` of cells ``(B, h, w)``: bilinearly, then under a Gaussian."""
    whole = functional.interpolate(cells[:, None], size, mode="bilinear", align_corners=False)
    return gaussian_blur(whole, sigma, TRUNCATED)[:, 0]


def shifted(images: Tensor, offsets: Tensor) -> Tensor:
    """Images ``(B, C, H, W)``, each moved down and to the right by its own ``offsets`` (B, 2) int64; their border is repeated."""
    height, width = images.shape[-2:]
    rows = (torch.arange(height, device=images.device) - offsets[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width, device=images.device) - offsets[:, 1:]).clamp(0, width - 1)
    places = (rows[:, :, None] * width + columns[:, None]).flatten(1)
    return images.flatten(2).gather(2, places[:, None].expand(-1, images.shape[1], -1)).view_as(images)


def smallest_disc(model: Classifier, images: Tensor, targets: Tensor, hidden: Tensor, grid: tuple[int, int]) -> Tensor:
    """Masks ``(B, *grid)`` that are 0 on a disc at the middle, 1 elsewhere.

    Of `RADII` discs up to one of the whole image it is the smallest under which the target's probability has fallen by 99 % of what it
    falls by with the whole image ``hidden``: none where it does not fall.
    """
    height, width = images.shape[-2:]
    discs = 1 - torch.stack([disc(height, width, k / RADII, images) for k in range(RADII)])
    with torch.no_grad():
        shown = [*(torch.where(kept > 0, images, hidden) for kept in discs), hidden]
        found = torch.stack([of_targets(model.probabilities(model(inputs)), targets) for inputs in shown])
    enough = found - found[-1:] <= SUPPRESSED * (found[0] - found[-1]).clamp(min=0)
    radii = enough.int().argmax(dim=0) / RADII
    return torch.stack([1 - disc(*grid, float(radius), images) for radius in radii])


def disc(height: int, width: int, radius: float, like: Tensor) -> Tensor:
    """``(height, width)``: 1 within ``radius`` of the middle, in units of half the diagonal, else 0; nothing if it is 0."""
    down, across = ((torch.arange(length, device=like.device, dtype=like.dtype) + 0.5) / length * 2 - 1 for length in (height, width))
    distances = ((down[:, None] * height) ** 2 + (across * width) ** 2).sqrt() / (height**2 + width**2) ** 0.5
    return (distances < radius).to(like)
