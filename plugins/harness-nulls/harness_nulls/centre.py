"""The middle of the picture, where photographers put things."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, explainer
from harness_nulls import citations


def gaussian_window(size: tuple[int, int], sigma: float) -> Tensor:
    """An isotropic Gaussian ``(H, W)``, greatest in the middle, where it would be 1; ``sigma`` in pixels."""
    down, across = (torch.exp(-0.5 * ((torch.arange(length) - (length - 1) / 2) / sigma) ** 2) for length in size)
    return torch.outer(down, across)


@explainer(null=True, passes=0, cite=citations.JUDD)
def centre_gaussian(model: Classifier, images: Tensor, targets: Tensor, *, sigma: Annotated[float, Field(gt=0)] = 0.25) -> Tensor:
    """Centre Gaussian: the same blob in the middle of every image.

    Args:
        sigma: the blob's standard deviation, in parts of the image's shorter side.
    """
    height, width = images.shape[-2:]
    window = gaussian_window((height, width), sigma * min(height, width))
    return window.to(images).repeat(len(images), 1, 1)
