"""Occlusion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from captum import attr
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, explainer
from harness.api.preprocessing import ReferenceKind
from harness_captum import citations

SIDE = 224


def positions(params: Mapping[str, Any], side: int = SIDE) -> float:
    """Forward passes per image of ``side`` pixels: one per window, and one for the image itself."""
    window, stride = sizes(params["window"], params["stride"], side)
    return (math.ceil((side - window) / stride) + 1) ** 2 + 1


def sizes(window: int | None, stride: int | None, side: int) -> tuple[int, int]:
    """Window and stride in pixels; the defaults are an eighth of the shorter side, and half a window."""
    window = max(1, side // 8) if window is None else window
    return window, max(1, window // 2) if stride is None else stride


@explainer(signed=True, passes=positions, cite=citations.OCCLUSION)
def occlusion(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    window: Annotated[int, Field(ge=1)] | None = None,
    stride: Annotated[int, Field(ge=1)] | None = None,
    baseline: ReferenceKind = "mean",
) -> Tensor:
    """Occlusion: how far the target's logit falls when a square is covered (Zeiler and Fergus 2014, section 4.2).

    Returns ``(B, H, W)``: each pixel's mean over the squares that cover it. Raises ``ValueError`` where the window is larger than the image
    or the stride than the window.

    Args:
        window: the side of the square in pixels; by default an eighth of the image's shorter side.
        stride: pixels by which the square moves; by default half a window.
        baseline: what the square shows: black, white, the image's mean colour, the blurred image, or the zero tensor.
    """
    height, width = images.shape[-2:]
    window, stride = sizes(window, stride, min(height, width))
    if window > min(height, width) or stride > window:
        raise ValueError(f"stride {stride} ≤ window {window} ≤ image {height} × {width} must hold")
    channels = images.shape[1]
    drops: Tensor = attr.Occlusion(model).attribute(
        images,
        sliding_window_shapes=(channels, window, window),
        strides=(channels, stride, stride),
        baselines=model.reference(baseline, images),
        target=targets,
    )
    return drops[:, 0]
