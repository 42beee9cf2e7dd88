"""One geometric transform takes an image and its evidence together into a model's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Interpolation = Literal["bilinear", "bicubic", "nearest"]


@dataclass(frozen=True)
class Geometry:
    """Resize the shorter side, then crop the centre (padding if the image is smaller), then 1 → 3 channels or back.

    Attributes:
        size: ``(H, W)`` the model takes.
        channels: 1 or 3 (any other number must be the image's own).
        resize: what the shorter side becomes before cropping; None scales so that the image just covers ``size``.
        interpolation: of images; masks and other rasters are always nearest.
    """

    size: tuple[int, int]
    channels: int = 3
    resize: int | None = None
    interpolation: Interpolation = "bilinear"

    def scaled(self, native: tuple[int, int]) -> tuple[int, int]:
        """The size ``(H, W)`` of an image of ``native`` size after resizing, before cropping."""
        height, width = native
        if self.resize is not None:  # the longer side is truncated, as torchvision does, so that the crop is the same
            return self.resize * height // min(native), self.resize * width // min(native)
        factor = max(self.size[0] / height, self.size[1] / width)
        return max(1, round(height * factor)), max(1, round(width * factor))

    def image(self, image: Tensor) -> Tensor:
        """``(C, H, W)`` in [0, 1] at its native size → ``(channels, *size)`` in [0, 1]."""
        scaled = self.scaled((image.shape[1], image.shape[2]))
        if scaled != tuple(image.shape[1:]):
            mode = "nearest-exact" if self.interpolation == "nearest" else self.interpolation
            options = {} if self.interpolation == "nearest" else {"align_corners": False, "antialias": True}
            image = F.interpolate(image[None], size=scaled, mode=mode, **options)[0].clamp(0, 1)
        return self._channels(self._crop(image))

    def raster(self, raster: Tensor) -> Tensor:
        """``(…, H, W)`` at the image's native size → ``(…, *size)``, each pixel the nearest one's; bool stays bool, all else is float32."""
        values = raster if raster.dtype == torch.bool else raster.float()
        scaled = self.scaled((raster.shape[-2], raster.shape[-1]))
        if scaled != tuple(raster.shape[-2:]):
            planes = values.reshape(1, -1, *raster.shape[-2:]).float()
            resized = F.interpolate(planes, size=scaled, mode="nearest-exact") if planes.numel() else planes.new_zeros(1, 0, *scaled)
            values = resized.reshape(*raster.shape[:-2], *scaled).to(values.dtype)
        return self._crop(values)

    def mask(self, mask: Tensor) -> Tensor:
        """``(H, W)`` bool at the image's native size → ``size`` bool; all false if it was cropped away."""
        return self.raster(mask.bool())

    def boxes(self, boxes: Tensor, native: tuple[int, int]) -> Tensor:
        """``(N, 4)`` x0, y0, x1, y1 in native pixels → model pixels, clipped; boxes cropped away are dropped."""
        scaled = self.scaled(native)
        top, left = self._offset(scaled)
        factor = torch.tensor([scaled[1] / native[1], scaled[0] / native[0]]).repeat(2)
        moved = boxes * factor - torch.tensor([left, top, left, top])
        moved[:, 0::2] = moved[:, 0::2].clamp(0, self.size[1])
        moved[:, 1::2] = moved[:, 1::2].clamp(0, self.size[0])
        return moved[(moved[:, 2] > moved[:, 0]) & (moved[:, 3] > moved[:, 1])]

    def _offset(self, scaled: tuple[int, int]) -> tuple[int, int]:
        """Where the crop starts (top, left) in the resized image; negative where it is padded."""
        return round((scaled[0] - self.size[0]) / 2), round((scaled[1] - self.size[1]) / 2)

    def _crop(self, grid: Tensor) -> Tensor:
        top, left = self._offset((grid.shape[-2], grid.shape[-1]))
        below, right = self.size[0] + top - grid.shape[-2], self.size[1] + left - grid.shape[-1]
        return F.pad(grid, (-left, right, -top, below))

    def _channels(self, image: Tensor) -> Tensor:
        if image.shape[0] == self.channels:
            return image
        if image.shape[0] == 1:
            return image.expand(self.channels, -1, -1).clone()
        if self.channels == 1 and image.shape[0] == 3:
            return (image * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(dim=0, keepdim=True)
        raise ValueError(f"an image of {image.shape[0]} channels for a model that takes {self.channels}")


def masks_to_boxes(masks: Tensor) -> Tensor:
    """``(B, 4)`` the tightest box ``x0, y0, x1, y1`` round each of ``masks`` (B, H, W) bool; zeros if one is empty.

    >>> masks_to_boxes(torch.tensor([[[False, False, False], [False, True, True]]])).tolist()
    [[1.0, 1.0, 3.0, 2.0]]
    """
    bounds = []
    for occupied in (masks.any(dim=1), masks.any(dim=2)):  # columns, rows
        length = occupied.shape[1]
        places = torch.arange(length, device=masks.device)
        first = torch.where(occupied, places, length).amin(dim=1)
        last = torch.where(occupied, places, -1).amax(dim=1)
        bounds.append((torch.where(last < 0, 0, first), last + 1))
    (x0, x1), (y0, y1) = bounds
    return torch.stack([x0, y0, x1, y1], dim=1).float()
