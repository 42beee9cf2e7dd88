"""Occlusion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, Context, explainer
from harness.api.masking import HoleBaseline, Output, all_predictions, hole_replacement, target_outputs
from harness_perturbation import citations
from harness_perturbation.windows import mean_over_windows, spans

SIDE = 224


def positions(params: Mapping[str, Any], side: int = SIDE) -> float:
    """Forward passes per image of ``side`` pixels: one per window, and one for the image itself."""
    window, stride = sizes(params["window"], params["stride"], side)
    return (math.ceil((side - window) / stride) + 1) ** 2 + 1


def sizes(window: int | None, stride: int | None, side: int) -> tuple[int, int]:
    """Window and stride in pixels; the defaults are an eighth of the shorter side, and half a window."""
    window = max(1, side // 8) if window is None else window
    return window, max(1, window // 2) if stride is None else stride


@explainer(family="perturbation", signed=True, passes=positions, cite=citations.OCCLUSION)
def occlusion(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    window: Annotated[int, Field(ge=1)] | None = None,
    stride: Annotated[int, Field(ge=1)] | None = None,
    baseline: HoleBaseline = "mean",
    output: Output = "logit",
    ctx: Context,
) -> Tensor:
    """Occlusion: how far the target's logit falls when a square is covered (Zeiler and Fergus 2014, section 4.2).

    Returns ``(B, H, W)``: each pixel's mean over the squares that cover it; those at the right and the lower border may be cut off. Raises
    ``ValueError`` where the window is larger than the image or the stride than the window.

    Args:
        window: the side of the square in pixels; by default an eighth of the image's shorter side.
        stride: pixels by which the square moves; by default half a window.
        baseline: what the square shows: black, white, the image's mean colour, the blurred image, the zero tensor, uniform noise, or
            ``convolution``, in-painting of what is around it.
        output: what falls: the target's logit, or its probability.
    """
    height, width = images.shape[-2:]
    window, stride = sizes(window, stride, min(height, width))
    if window > min(height, width) or stride > window:
        raise ValueError(f"stride {stride} ≤ window {window} ≤ image {height} × {width} must hold")
    rows, columns = (spans(_starts(length, window, stride, images.device), window, length) for length in (height, width))

    def kept(part: range) -> Tensor:
        numbers = torch.arange(part.start, part.stop, device=images.device)
        covered = rows[numbers // len(columns), :, None] & columns[numbers % len(columns), None]
        return ~covered[:, None]

    replace = hole_replacement(model, images, baseline, ctx)
    found = all_predictions(model, images, targets, masks=len(rows) * len(columns), kept=kept, replace=replace, output=output)
    drops = (target_outputs(model, images, targets, output)[:, None] - found).view(-1, len(rows), len(columns))
    return mean_over_windows(drops, rows, columns)


def _starts(length: int, window: int, stride: int, device: torch.device) -> Tensor:
    """First pixels of windows ``stride`` apart, of which the last reaches the end or beyond."""
    return torch.arange(math.ceil((length - window) / stride) + 1, device=device) * stride
