"""From an image to a model's input and back: geometry, then normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from harness.api.blurring import gaussian_blur
from harness.api.geometry import Geometry
from harness.api.transfer import sent

ReferenceKind = Literal["black", "white", "mean", "blur", "zero"]
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
    """Steps that a classifier takes with an image before its network sees it.

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
            images = images - sent(self.mean, images.device, images.dtype)
        return images if self.std is None else images / sent(self.std, images.device, images.dtype)

    def denormalise(self, inputs: Tensor) -> Tensor:
        """The inverse of `normalise`."""
        if self.std is not None:
            inputs = inputs * sent(self.std, inputs.device, inputs.dtype)
        return inputs if self.mean is None else inputs + sent(self.mean, inputs.device, inputs.dtype)


class ModelInputs:
    """The part of a classifier that is about its inputs: how they are made of images, and what stands for no image.

    Attributes:
        input_shape: ``(C, H, W)`` of one input.
        geometry: the resize and crop of preprocessing.
        mean, std: ``(C, 1, 1)`` each, or None for those that are not applied.
    """

    input_shape: tuple[int, int, int]
    geometry: Geometry
    mean: Tensor | None
    std: Tensor | None

    @property
    def bounds(self) -> tuple[Tensor, Tensor] | None:
        """Least and greatest value of a model input per channel ``(C, 1, 1)``; None if preprocessing is the identity."""
        if self.mean is None and self.std is None:
            return None
        return self.normalise(torch.zeros(self.input_shape[0], 1, 1)), self.normalise(torch.ones(self.input_shape[0], 1, 1))

    def input_range(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Least and greatest value of inputs such as ``images`` (B, C, H, W), on their device.

        They are `bounds`, ``(C, 1, 1)``, or, if preprocessing is the identity, those of each image itself, ``(B, 1, 1, 1)``.
        """
        if self.bounds is None:
            return images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
        low, high = self.bounds
        return sent(low, images.device, images.dtype), sent(high, images.device, images.dtype)

    @property
    def preprocessing(self) -> Preprocessing:
        """Preprocessing of an image, without the model."""
        return Preprocessing(self.geometry, self.mean, self.std)

    def normalise(self, images: Tensor) -> Tensor:
        """Images in [0, 1] ``(…, C, H, W)`` → model inputs: minus mean, divided by std."""
        return self.preprocessing.normalise(images)

    def denormalise(self, inputs: Tensor) -> Tensor:
        """The inverse of `normalise`."""
        return self.preprocessing.denormalise(inputs)

    def preprocess(self, image: Any) -> Tensor:
        """One image ``(C, H, W)`` in [0, 1] at its native size, bytes, or a picture of Pillow's → a model input ``input_shape``.

        Raises ``ValueError`` for what is none, and, if the model normalises, for values that look like 0 … 255.
        """
        image = to_image_tensor(image)
        if self.bounds is not None and image.numel() and (image.min() < -MAX_RANGE_EXCESS or image.max() > 1 + MAX_RANGE_EXCESS):
            raise ValueError(f"the image must lie in 0 … 1, and goes from {image.min():.3g} to {image.max():.3g}: divide it by 255?")
        return self.preprocessing(image)

    def reference(self, kind: ReferenceKind, images: Tensor) -> Tensor:
        """A reference input for each of ``images`` (B, C, H, W), of the same shape.

        ``black`` and ``white`` are those colours after preprocessing, ``mean`` is each image's own mean colour, ``blur`` the image under a
        Gaussian (σ and radius 5/224 of the shorter side, at least a pixel: RISE has 11 pixels at 224), ``zero`` the zero tensor.
        """
        if kind == "zero":
            return torch.zeros_like(images)
        if kind in ("black", "white"):
            return self.normalise(torch.full_like(images, kind == "white"))
        if kind == "mean":
            return images.mean(dim=(-2, -1), keepdim=True).expand_as(images).clone()
        if kind == "blur":
            return gaussian_blur(images, sigma=max(1.0, min(images.shape[-2:]) * 5 / 224))
        raise ValueError(f"unknown reference {kind!r}; choose from black, white, mean, blur, zero")
