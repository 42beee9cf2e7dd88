"""From files of masks to one mask of an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.api.image_files.decoding import check, decode_mask
from harness.api.image_files.traits import Traits

PROPORTIONS = 0.01
"""By how much the proportions of a mask may differ from its image's for it to be scaled."""


def mask_of(paths: Sequence[Path], image: Path, size: tuple[int, int]) -> Tensor:
    """All masks of one image of ``size`` (height, width) together, ``(H, W)`` bool; see `fitted`.

    Raises ``ValueError`` that names the file which cannot be read, or is of other proportions.
    """
    traits: Traits | None = None
    masks = []
    for path in paths:
        try:
            mask = decode_mask(path)
            if tuple(mask.shape) != size and traits is None:
                traits = check(image)
            masks.append(fitted(mask, traits or Traits(size)))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    return torch.stack(masks).any(dim=0)


def fits(mask: tuple[int, int], image: Traits) -> str | None:
    """Way in which a mask of some size is made to fit an image: ``"as it is"``, ``"turned"``, ``"scaled"``; None where it does not."""
    if mask == image.size:
        return "as it is"
    if image.orientation >= 5 and mask == image.size[::-1]:
        return "turned"
    if mask == image.stored:
        return "scaled"
    proportions = (mask[1] / mask[0]) / (image.size[1] / image.size[0])
    return "scaled" if abs(proportions - 1) <= PROPORTIONS else None


def fitted(mask: Tensor, image: Traits) -> Tensor:
    """A mask ``(h, w)`` as one of the image as it is shown, ``(H, W)`` = ``image.size``.

    One of the size of the image as it is stored, before EXIF's orientation turns it, is turned alike; one of another size, or of an image
    whose pixels were made square, is scaled to the nearest pixel. Raises ``ValueError`` for other proportions than the image's.
    """
    height, width = mask.shape
    how = fits((height, width), image)
    if how is None:
        raise ValueError(f"a mask of {(height, width)} for an image of {tuple(image.size)} (height, width)")
    if how == "turned":
        return _turned(mask, image.orientation)
    return mask if how == "as it is" else F.interpolate(mask[None, None].float(), size=image.size, mode="nearest-exact")[0, 0] > 0.5


def _turned(mask: Tensor, exif: int) -> Tensor:
    """What EXIF's orientations 5 to 8 do, which exchange rows and columns."""
    transposed = mask.T
    mirrored = {5: (), 6: (1,), 7: (0, 1), 8: (0,)}[exif]
    return transposed.flip(mirrored).contiguous()
