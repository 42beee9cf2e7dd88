"""From an image to a model's input and back: geometry, then normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.api.geometry import Geometry

MAX_RANGE_EXCESS = 10.0
"""From how far beyond 0 … 1 on the values of an image cannot be meant: 0 … 255 lies there, and noise on an image does not."""


def to_image_tensor(given: Any) -> Tensor:
    """An image ``(C, H, W)`` in [0, 1]: a tensor or an array of that shape (bytes are divided by 255), or a picture of Pillow's.

    Raises ``ValueError`` for what is none.
    """
    if isinstance(given, np.ndarray):
        image = torch.from_numpy(np.ascontiguousarray(given))
    elif callable(getattr(given, "convert", None)):
        image = torch.from_numpy(np.array(given.convert("RGB"))).permute(2, 0, 1)
    else:
        image = given
    wanted = "an image must be a tensor or an array (C, H, W) in 0 … 1, or a picture of Pillow's"
    if not isinstance(image, Tensor):
        raise ValueError(f"{wanted}, not {type(given).__name__}")
    if image.ndim != 3 or (image.shape[0] > 4 and image.shape[2] in (1, 3, 4)):
        last = ": channels come before height and width" if image.ndim == 3 else ""
        raise ValueError(f"{wanted}, not {tuple(image.shape)}{last}")
    if image.dtype == torch.uint8:
        return image.float() / 255
    if not image.is_floating_point():
        raise ValueError(f"{wanted}, not {image.dtype}")
    return image


@dataclass(frozen=True)
class Preprocessing:
    """What a classifier does to an image before its network sees it.

    Attributes:
        geometry: resize, crop and channels.
        mean, std: ``(C, 1, 1)`` each, or None for those that are not applied.
    """

    geometry: Geometry
    mean: Tensor | None = None
    std: Tensor | None = None

    def __call__(self, image: Tensor) -> Tensor:
        """One image ``(C, H, W)`` in [0, 1] at its native size → a model input ``(channels, *size)``."""
        return self.normalise(self.geometry.image(image))

    def normalise(self, images: Tensor) -> Tensor:
        """Images in [0, 1] ``(…, C, H, W)`` → model inputs: minus mean, divided by std."""
        if self.mean is not None:
            images = images - self.mean.to(images)
        return images if self.std is None else images / self.std.to(images)

    def denormalise(self, inputs: Tensor) -> Tensor:
        """The inverse of `normalise`."""
        if self.std is not None:
            inputs = inputs * self.std.to(inputs)
        return inputs if self.mean is None else inputs + self.mean.to(inputs)
