"""From an image to a model's input and back: geometry, then normalisation."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from harness.api.geometry import Geometry


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
