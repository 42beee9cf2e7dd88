"""Explanation continuity (Montavon et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness.api.transfer import sent
from harness_metrics.citations import MONTAVON_2018
from harness_metrics.imputation import Reference, input_range
from harness_metrics.maps import share
from harness_metrics.memory import runs_of
from harness_metrics.robustness.neighbours import explained, norm, peaked


@metric(
    category="robustness",
    direction="lower",
    needs={"explainer"},
    bounds=(0, None),
    passes=lambda params: float(params["steps"]),  # times what explaining takes
    cite=MONTAVON_2018,
)
def continuity(
    case: Case,
    *,
    steps: Annotated[int, Field(ge=1)] = 28,
    reference: Reference = "black",
    normalise: bool = True,
    absolute: bool = False,
) -> Tensor:
    """Largest change of the map per change of the image, as the image slides sideways.

    Montavon et al. 2018, section 7.1: ``max ‖R(x) − R(x′)‖₁ / ‖x − x′‖₂`` over translations x′ of x. Correlating the sums of patches with
    the prediction along the way, as early versions of Quantus did, is not the paper's; Quantus 0.6 computes this ratio.

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        steps: translations, ``(2 · width + 1) // steps`` pixels apart, as in Quantus: the first leaves that many columns of the image in
            sight, at the left, and the last moves it out of sight to the right, or as far as ``steps`` reach. One of 0 pixels is left out
            (in Quantus it divides by 1e-9).
        reference: what comes into sight; Quantus's ``black`` is the least value of each image, here it is black.
        normalise: divide each map by its own largest absolute value first, as Quantus does by default (over the batch; a sample at a time
            it is this). Without it the scale of an explainer's maps decides, as in the paper.
        absolute: take |R| (Quantus's default); the paper does not.

    Returns:
        ``(B,)`` of at least 0, lower is better. NaN where ``normalise`` and the map is 0 everywhere, and where no translation changes the
        image. Distances of images are in units of the range of the inputs (an image in [0, 1]).
    """
    filling, (low, high) = case.model.reference(reference, case.images), input_range(case)
    original = _comparable(case.attributions, normalise, absolute)
    ratios, tried = [], shifts(case.images.shape[-1], steps)
    for run in runs_of(len(tried), case.images):
        images = translated(case.images, filling, tried[run.start : run.stop])
        maps = _comparable(explained(case, images), normalise, absolute)
        distance = norm((images - case.images).double() / (high - low), 3)
        ratios.append(share((maps - original).abs().sum(dim=(-2, -1)), distance))
    largest = torch.cat(ratios).nan_to_num(nan=-torch.inf).amax(dim=0)
    undefined = (original == 0).all(dim=(-2, -1)) if normalise else torch.zeros_like(largest, dtype=torch.bool)
    return largest.masked_fill(undefined | largest.isinf(), torch.nan)


def shifts(width: int, steps: int) -> list[int]:
    """Columns that the image is moved to the right by.

    >>> shifts(4, 4)
    [-2, 2, 4]
    """
    apart = max(1, (2 * width + 1) // steps)
    return [shift for shift in range(apart - width, min(apart * steps - width, width) + 1, apart) if shift != 0]


def translated(images: Tensor, filling: Tensor, shifts: Sequence[int]) -> Tensor:
    """``images`` (B, C, H, W) moved to the right (left where negative) by each of S numbers of columns, onto ``filling`` of the same shape.

    ``(S, B, C, H, W)``.
    """
    width = images.shape[-1]
    columns = torch.arange(width, device=images.device) - sent(torch.tensor(shifts), images.device)[:, None]
    inside = (columns >= 0) & (columns < width)
    moved = images[..., columns.clamp(0, width - 1)].movedim(-2, 0)
    return torch.where(inside[:, None, None, None], moved, filling)


def _comparable(maps: Tensor, normalise: bool, absolute: bool) -> Tensor:
    maps = peaked(maps.double()) if normalise else maps.double()
    return maps.abs() if absolute else maps
