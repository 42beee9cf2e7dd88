"""Non-sensitivity (Nguyen and Rodríguez Martínez 2020)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from harness.api import Case, Unexplained, metric
from harness_metrics.citations import NGUYEN_2020
from harness_metrics.curves import original_logits
from harness_metrics.imputation import Imputation, imputer
from harness_metrics.maps import mass
from harness_metrics.memory import at_once
from harness_metrics.passes import square_passes


@metric(category="axiomatic", direction="lower", bounds=(0, 1), passes=square_passes, absolute=True, cite=NGUYEN_2020)
def non_sensitivity(
    case: Case,
    *,
    impute: Imputation = "black",
    eps: Annotated[float, Field(ge=0)] = 1e-5,
    regions: Annotated[int, Field(ge=1)] = 256,
    patch: Annotated[int, Field(ge=1)] | None = None,
) -> Tensor:
    """Share of the image where relevance is 0 but the model is sensitive, or the other way round.

    Nguyen and Rodríguez Martínez 2020: ``|A₀ Δ X₀|``, A₀ the pixels without relevance, X₀ those on which the model does not depend, Δ the
    symmetric difference; here divided by their number. Pixels are taken in square patches, one forward pass each, on a grid that begins
    in the upper left corner (14 × 14 pixels of 224 × 224, 4 × 4 of 64 × 64): a patch is without relevance where each of its pixels is,
    and without influence where the target's logit stays as it is removed.

    Args:
        case: the samples.
        impute: what removed pixels become: black, as in Quantus, in the place of the paper's variance over the pixel's distribution.
        eps: a pixel is without relevance where |a| is at most this share of the map's greatest |a|, and without influence where the
            logit changes by at most this much; 1e-5 in Quantus.
        regions: at most how many patches: the smallest patches of which there are no more.
        patch: the side of a patch in pixels, instead of ``regions``; 1 is the paper's, and takes a pass for each pixel. (Quantus removes
            single channels, and raises where it is told to remove more than one at a time.)

    Returns:
        ``(B,)`` in [0, 1], lower is better; defined for every sample. Patches at the right and lower border may be smaller and count as the
        others.
    """
    height, width = case.attributions.shape[-2:]
    side = patch or smallest_side(height, width, regions)
    silent = ~pooled(mass(case.attributions, absolute=True) > eps, side)
    uninfluential = (_changes(case, impute, side) <= eps).view_as(silent)
    return (silent ^ uninfluential).flatten(1).float().mean(dim=1)


def smallest_side(height: int, width: int, regions: int) -> int:
    """The side of the smallest squares of which no more than ``regions`` cover the image.

    >>> smallest_side(20, 20, 400), smallest_side(20, 20, 100), smallest_side(224, 224, 256)
    (1, 2, 14)
    """
    return next(side for side in range(1, max(height, width) + 1) if -(-height // side) * -(-width // side) <= regions)


def pooled(pixels: Tensor, side: int) -> Tensor:
    """``(B, H, W)`` bool → ``(B, h, w)``: whether any pixel of a square is true."""
    return F.max_pool2d(pixels[:, None].float(), side, ceil_mode=True)[:, 0] > 0


def _changes(case: Case, impute: Imputation, side: int) -> Tensor:
    """``(B, R)`` how much the target's logit changes as each square is removed, computed once for all metrics and explainers."""

    def compute(samples: Unexplained) -> Tensor:
        height, width = samples.images.shape[-2:]
        device = samples.images.device
        rows, columns = torch.arange(height, device=device) // side, torch.arange(width, device=device) // side
        square = rows[:, None] * -(-width // side) + columns
        fill = imputer(samples, impute)
        logits = []
        for part in torch.split(torch.arange(-(-height // side) * -(-width // side), device=device), at_once(samples.images)):
            removed = (square == part[:, None, None])[:, None].expand(-1, len(samples.images), -1, -1)
            predicted = samples.predict(fill(removed).flatten(0, 1)).view(len(part), len(samples.images), -1)
            logits.append(predicted.gather(2, samples.targets.expand(len(part), -1)[..., None])[..., 0])
        original = original_logits(samples).gather(1, samples.targets[:, None])
        return (torch.cat(logits).T - original).abs()

    return case.for_all_explainers(["influence of squares", impute, side], compute)
