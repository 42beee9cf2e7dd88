"""One image among files, as it was found and before it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from harness.api.image_files.decoding import check, decode_image
from harness.api.image_files.traits import Traits

EvidenceReader = Callable[[tuple[int, int]], Tensor | None]
"""Gives evidence of an image of some size (height, width) as it is shown, or None for none; raises ``ValueError``."""


@dataclass(frozen=True)
class FileKind:
    """A kind of files that hold an image.

    Attributes:
        check: reads a file to the end, or raises `harness.api.image_files.decoding.Unreadable`.
        decode: gives its image ``(C, H, W)`` in [0, 1], with C of 1 or 3, or raises the same.
    """

    check: Callable[[Path], Traits]
    decode: Callable[[Path], Tensor]


PICTURE = FileKind(check, decode_image)
"""What programs show: PNG, JPEG, and so on."""


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
        evidence: other evidence by kind, and how it is read.
        kind: how the image is read.
    """

    path: Path
    label: str | int
    id: str
    masks: tuple[Path, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] | None = None
    place: str = ""
    evidence: Mapping[str, EvidenceReader] = field(default_factory=dict)
    kind: FileKind = PICTURE
