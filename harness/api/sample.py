"""One sample of a dataset, and the protocol a dataset follows."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from harness.api import array_digest
from harness.api.array_digest import BinnedArray
from harness.api.evidence import UNCHANGED, evidence_kind, with_known_kinds


@dataclass(frozen=True, init=False)
class Sample:
    """One image with its label and, where known, where the evidence is.

    Attributes:
        image: ``(C, H, W)`` float in [0, 1], C of 1 or 3, at its native size. Any floating type is taken, and kept as float32.
        label: index into the dataset's ``class_names`` (or, without these, into the model's classes). A whole number of any type is
            taken, also in a tensor or an array of one element, and kept as an int.
        id: stable and unique in its dataset; random streams are drawn by it. A whole number is taken, and kept as a text.
        evidence: what is known of where the evidence for the label is, by kind (`harness.api.evidence`): ``mask`` ``(H, W)`` bool,
            ``boxes`` ``(N, 4)`` float, ``x0, y0, x1, y1`` in pixels of the native image, and of any other name a raster ``(H, W)`` or
            ``(K, H, W)`` of the image's size. ``mask=`` and ``boxes=`` stand for the two if one is made.
    """

    image: Tensor
    label: int
    id: str
    evidence: Mapping[str, Tensor]

    def __init__(
        self,
        image: Tensor,
        label: int,
        id: str,
        mask: Tensor | None = UNCHANGED,
        boxes: Tensor | None = UNCHANGED,
        evidence: Mapping[str, Tensor] | None = None,
    ) -> None:
        object.__setattr__(self, "id", _id_to_text(id))
        object.__setattr__(self, "label", _label_to_int(label, self.id))
        object.__setattr__(self, "image", _checked_image(image, self.id))
        object.__setattr__(self, "evidence", with_known_kinds(evidence, mask=mask, boxes=boxes))
        for name, value in self.evidence.items():
            _check_evidence(name, value, self)
        object.__setattr__(self, "evidence", {name: _laid_out(value) for name, value in self.evidence.items()})

    @property
    def mask(self) -> Tensor | None:
        """``(H, W)`` bool, true where the evidence for the label is, or None."""
        return self.evidence.get("mask")

    @property
    def boxes(self) -> Tensor | None:
        """``(N, 4)`` float, ``x0, y0, x1, y1`` in pixels of the native image, or None."""
        return self.evidence.get("boxes")

    @property
    def digest(self) -> str:
        """A digest (SHA-256, hex) of what is explained: image and label, neither evidence nor id.

        It survives noise of up to about 2e-6 in an image (`harness.api.array_digest`). It changes with a single level of a single pixel
        if all values are levels of 8 or of 16 bit; else with changes of a pixel by a level of 8 bit, and hints may follow it, which
        noise may change too: whether a sample is the one that had a digest is asked of `is_content`.
        """
        return array_digest.digest_arrays(*self._content())

    def is_content(self, digest: str) -> bool:
        """Whether this is the image and the label that had this digest, but for noise."""
        return array_digest.matches_digest(digest, *self._content())

    def evidence_digest(self, name: str) -> str:
        """A digest (SHA-256, hex) of its evidence of one kind; of values that are floats as `digest`."""
        return array_digest.digest_arrays(*_evidence_content(name, self.evidence[name]))

    def is_evidence(self, name: str, digest: str) -> bool:
        """Whether there is evidence of a kind, and it is what had this digest, but for noise."""
        return name in self.evidence and array_digest.matches_digest(digest, *_evidence_content(name, self.evidence[name]))

    def _content(self) -> tuple[bytes, list[BinnedArray | None]]:
        """What is exact, and what noise may change."""
        image = self.image.detach().cpu().numpy()
        levels = array_digest.encode_levels(image)
        exact = repr(self.label).encode() + (b"cells" if levels is None else b"levels" + levels)
        return exact, [BinnedArray(image) if levels is None else None]


def _evidence_content(name: str, value: Tensor) -> tuple[bytes, list[BinnedArray | None]]:
    value = value.detach().cpu().contiguous()
    if value.is_floating_point():
        cells = BinnedArray(value.double().numpy(), evidence_kind(name).form.bin_width(value))
        return repr((name, "float", cells.cell)).encode(), [cells]
    return repr((name, str(value.dtype), tuple(value.shape))).encode() + value.numpy().tobytes(), []


def _checked_image(image: object, id: str) -> Tensor:
    if not isinstance(image, Tensor):
        raise ValueError(f"sample {id}: image must be a torch tensor (C, H, W), not {type(image).__name__}")
    if not image.is_floating_point():
        divided = ": divide by 255" if image.dtype == torch.uint8 else ""
        raise ValueError(f"sample {id}: image must be float in [0, 1], not {image.dtype}{divided}")
    if image.ndim != 3:
        raise ValueError(f"sample {id}: image must be (C, H, W), not {tuple(image.shape)}")
    if not image.numel():
        raise ValueError(f"sample {id}: image has no pixels: {tuple(image.shape)}")
    return _laid_out(image.detach().float())


def _laid_out(values: Tensor) -> Tensor:
    """The same in memory row by row, so that what is computed of a sample does not depend on how it was laid out."""
    laid_out = values.contiguous().reshape(-1).reshape(values.shape)
    return values if values.stride() == laid_out.stride() else laid_out


def _check_evidence(name: str, value: object, sample: Sample) -> None:
    form = evidence_kind(name).form
    if not isinstance(value, Tensor):
        raise ValueError(f"sample {sample.id}: {name} must be a torch tensor {form.shape}, not {type(value).__name__}")
    fault = form.find_fault(value, (sample.image.shape[1], sample.image.shape[2]))
    if fault is not None:
        raise ValueError(f"sample {sample.id}: {name} {fault}")


def _id_to_text(id: object) -> str:
    if isinstance(id, str):
        return id
    try:
        return str(operator.index(cast(Any, id)))
    except TypeError:
        raise ValueError(f"the id of a sample must be a string, not {type(id).__name__}: str(…) makes one") from None


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
