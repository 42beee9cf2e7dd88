"""Facts of an image file that can be read, and the error of one that cannot."""

from __future__ import annotations

from dataclasses import dataclass

MOST_PIXELS = 89_478_485
"""A quarter of a gigabyte in RGB, above which Pillow takes an image for a decompression bomb."""


class Unreadable(ValueError):
    """An image that cannot be read; the message says why, without the file's name."""


@dataclass(frozen=True)
class Traits:
    """Traits of an image file that can be read.

    Attributes:
        size: height and width as it is shown.
        orientation: EXIF's, from 1 (upright) to 8.
        transparent: whether any pixel is not opaque.
        frames: how many pictures there are in it.
        slice: which slice of a volume it is, as ``slice 12 of 24``, if none was named.
        stored: height and width of a medical image before its pixels were made square.
    """

    size: tuple[int, int]
    orientation: int = 1
    transparent: bool = False
    frames: int = 1
    slice: str = ""
    stored: tuple[int, int] | None = None

    @property
    def keeps_its_size(self) -> bool:
        """Whether EXIF turns it and leaves it the size that it is stored in."""
        return self.orientation > 1 and (self.orientation < 5 or self.size[0] == self.size[1])
