"""One sample of a dataset, and the protocol a dataset follows."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from harness.api import array_digest
from harness.api.array_digest import BinnedArray

BOX_BIN_WIDTH = 1 / 16  # pixels: boxes that differ by as much are others


@dataclass(frozen=True)
class Sample:
    """One image with its label and, where known, where the evidence is.

    Attributes:
        image: ``(C, H, W)`` float in [0, 1], C of 1 or 3, at its native size. Any floating type is taken, and kept as float32.
        label: index into the dataset's ``class_names`` (or, without these, into the model's classes). A whole number of any type is
            taken, also in a tensor or an array of one element, and kept as an int.
        id: stable and unique in its dataset; random streams are drawn by it. A whole number is taken, and kept as a text.
        mask: ``(H, W)`` bool, true where the evidence for the label is, or None.
        boxes: ``(N, 4)`` float, ``x0, y0, x1, y1`` in pixels of the native image, or None.
    """

    image: Tensor
    label: int
    id: str
    mask: Tensor | None = None
    boxes: Tensor | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", _id_to_text(self.id))
        object.__setattr__(self, "label", _label_to_int(self.label, self.id))
        for name, value, shape in (("image", self.image, "(C, H, W)"), ("mask", self.mask, "(H, W)"), ("boxes", self.boxes, "(N, 4)")):
            if not isinstance(value, Tensor) and (value is not None or name == "image"):
                raise ValueError(f"sample {self.id}: {name} must be a torch tensor {shape}, not {type(value).__name__}")
        if not self.image.is_floating_point():
            divided = ": divide by 255" if self.image.dtype == torch.uint8 else ""
            raise ValueError(f"sample {self.id}: image must be float in [0, 1], not {self.image.dtype}{divided}")
        if self.image.ndim != 3:
            raise ValueError(f"sample {self.id}: image must be (C, H, W), not {tuple(self.image.shape)}")
        object.__setattr__(self, "image", self.image.detach().float())
        if self.mask is not None and (self.mask.dtype != torch.bool or self.mask.shape != self.image.shape[1:]):
            raise ValueError(
                f"sample {self.id}: mask must be bool {tuple(self.image.shape[1:])}, not {self.mask.dtype} {tuple(self.mask.shape)}"
            )
        if self.boxes is not None and (self.boxes.ndim != 2 or self.boxes.shape[1] != 4):
            raise ValueError(f"sample {self.id}: boxes must be (N, 4), not {tuple(self.boxes.shape)}")

    @property
    def digest(self) -> str:
        """A digest (SHA-256, hex) of the content: image, label, mask and boxes, not the id.

        It survives noise of up to about 2e-6 in an image (`harness.api.array_digest`). It changes with a single level of a single pixel
        where all values are levels of 8 or of 16 bit; else with changes of a pixel by a level of 8 bit, and hints may follow it, which
        noise may change too: whether a sample is the one that had a digest is asked of `is_content`.
        """
        return array_digest.digest_arrays(*self._content())

    def is_content(self, digest: str) -> bool:
        """Whether this is the content that had this digest, but for noise."""
        return array_digest.matches_digest(digest, *self._content())

    def _content(self) -> tuple[bytes, list[BinnedArray | None]]:
        mask = None if self.mask is None else self.mask.detach().cpu().contiguous().numpy()
        exact = repr((self.label, None if mask is None else mask.shape)).encode() + (b"" if mask is None else mask.tobytes())
        image = self.image.detach().cpu().numpy()
        levels = array_digest.encode_levels(image)
        kind = b"cells" if levels is None else b"levels" + levels
        return exact + kind, [
            BinnedArray(image) if levels is None else None,
            None if self.boxes is None else BinnedArray(self.boxes.detach().cpu().double().numpy(), BOX_BIN_WIDTH),
        ]


def _id_to_text(id: object) -> str:
    if isinstance(id, str):
        return id
    try:
        return str(operator.index(cast(Any, id)))
    except TypeError:
        raise ValueError(f"the id of a sample must be a text, not {type(id).__name__}: str(…) makes one") from None


def _label_to_int(label: object, id: str) -> int:
    found = label.item() if isinstance(label, Tensor | np.generic | np.ndarray) and math.prod(label.shape) == 1 else label
    if not isinstance(found, int | float) or found != found // 1:
        of = f" {tuple(found.shape)}" if isinstance(found, Tensor | np.ndarray) else f" {found!r}" if isinstance(found, str | float) else ""
        raise ValueError(f"sample {id}: label must be a whole number, the index of its class, not {type(found).__name__}{of}")
    return int(found)


@runtime_checkable
class Dataset(Protocol):
    """Anything with a length that yields samples; ``class_names`` (a sequence of str) is optional."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...
