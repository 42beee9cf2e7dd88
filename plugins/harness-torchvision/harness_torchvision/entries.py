"""One image of a folder, as it was found and before it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """The place of one sample.

    Attributes:
        path: the image.
        label: the class's name, or its index in the model's classes.
        id: stable and unique.
        masks: the images of its masks, which together are one; none where there is no mask.
        boxes: x0, y0, x1, y1 in pixels of the image as it is shown, or None.
        place: where a manifest lists it, ``FILE:LINE``, or nothing.
    """

    path: Path
    label: str | int
    id: str
    masks: tuple[Path, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] | None = None
    place: str = ""
