"""Evidence: what is known of where in an image the reasons for its label are, in kinds that anybody may name.

A kind is a name: of a tensor in ``Sample.evidence``, of a batch of these in ``Case.evidence``, and (as `EvidenceKind.need`) in a metric's
``needs``. `EVIDENCE_KINDS` says of some kinds what is special of them; any other is a raster. All that carries samples carries their
evidence by what is said here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:  # plans are made without torch
    from torch import Tensor

    from harness.api.geometry import Geometry

Size = tuple[int, int]
V = TypeVar("V")
Evidence: TypeAlias = "Mapping[str, Tensor]"
EvidenceBatch: TypeAlias = "Mapping[str, Tensor | Sequence[Tensor]]"
UNCHANGED: Any = object()
"""What stands for evidence that is given under its kind's name, among the others, so that `dataclasses.replace` changes either."""


@dataclass(frozen=True)
class Raster:
    """A value per pixel of the image, ``(H, W)``, or any number K of them ``(K, H, W)``; resized by the nearest pixel, 0 beyond the image.

    In a model's coordinates they are bool if they were, else float32.

    Attributes:
        single: whether a sample has one alone, ``(H, W)``.
        boolean: whether values must be bool.
    """

    single: bool = False
    boolean: bool = False

    @property
    def shape(self) -> str:
        """``(H, W)``, and if there may be several ``(K, H, W)``."""
        return "(H, W)" if self.single else "(H, W) or (K, H, W)"

    def find_fault(self, value: Tensor, size: Size) -> str | None:
        """Another size than the image's, or values of another type."""
        shaped = value.ndim in ((2,) if self.single else (2, 3)) and tuple(value.shape[-2:]) == size
        if shaped and (str(value.dtype) == "torch.bool" or not (self.boolean or value.is_complex())):
            return None
        several = "" if self.single else f" or (K, {size[0]}, {size[1]})"
        kind = "bool" if self.boolean else "real"
        return f"must be {kind} {size}{several}, at the size of the image, not {value.dtype} {tuple(value.shape)}"

    def read(self, given: Tensor, size: Size) -> Tensor:
        """Where a sample has one alone also with a channel, and where it must be bool also of 0 and 1, or of 0 and 255."""
        value = given[0] if self.single and given.ndim == 3 and len(given) == 1 else given
        two = not self.boolean or any(bool(((value == 0) | (value == one)).all()) for one in (1, 255))
        value = value.bool() if self.boolean and two else value
        if (fault := self.find_fault(value, size)) is not None:
            raise ValueError(fault + ("" if two else ", with other values than 0 and 1"))
        return value if str(value.dtype) == "torch.bool" else value.float()

    def layout(self, value: Tensor) -> str:
        """Such as ``"bool (K, H, W)"``."""
        return f"{'bool' if str(value.dtype) == 'torch.bool' else 'float'} {'(H, W)' if value.ndim == 2 else '(K, H, W)'}"

    def move(self, value: Tensor, geometry: Geometry, native: Size) -> Tensor:
        """Resized and cropped as the image is."""
        return geometry.raster(value)

    def missing(self, layout: str, size: Size) -> Tensor:
        """Zeros, or none of several."""
        import torch

        kind, shape = layout.split(" ", 1)
        return torch.zeros(size if shape == "(H, W)" else (0, *size), dtype=torch.bool if kind == "bool" else torch.float32)

    def bin_width(self, value: Tensor) -> float:
        """About a level of 8 bit of the greatest value."""
        from harness.api.array_digest import BIN_WIDTH

        finite = value[value.isfinite()].abs()
        greatest = float(finite.max()) if finite.numel() else 0.0
        return BIN_WIDTH * 2.0 ** (round(math.log2(greatest)) if greatest else 0)


@dataclass(frozen=True)
class Boxes:
    """Any number N of boxes ``x0, y0, x1, y1`` in pixels of the image; those that are cropped away are dropped."""

    shape: str = "(N, 4)"

    def find_fault(self, value: Tensor, size: Size) -> str | None:
        """Another shape."""
        return None if value.ndim == 2 and value.shape[1] == 4 else f"must be {self.shape}: x0, y0, x1, y1, not {tuple(value.shape)}"

    def read(self, given: Tensor, size: Size) -> Tensor:
        """Also one box ``(4,)`` and an empty list; a box is finite, with x0 ≤ x1 and y0 ≤ y1."""
        boxes = given.reshape(-1, 4) if tuple(given.shape) == (4,) or not given.numel() else given
        if (fault := self.find_fault(boxes, size)) is not None or boxes.is_complex():
            raise ValueError(fault or f"must be real, not {boxes.dtype}")
        wrong = boxes[~((boxes[:, 2:] >= boxes[:, :2]).all(dim=1) & boxes.isfinite().all(dim=1))]
        if len(wrong):
            raise ValueError(f"must be x0, y0, x1, y1 with x0 ≤ x1 and y0 ≤ y1, not {wrong[0].tolist()}")
        return boxes.float()

    def layout(self, value: Tensor) -> str:
        """The same of all."""
        return self.shape

    def move(self, value: Tensor, geometry: Geometry, native: Size) -> Tensor:
        """Scaled, shifted and clipped as the image is."""
        return geometry.boxes(value, native).float()

    def missing(self, layout: str, size: Size) -> Tensor:
        """No box."""
        import torch

        return torch.zeros(0, 4)

    def bin_width(self, value: Tensor) -> float:
        """A sixteenth of a pixel."""
        return 1 / 16


@dataclass(frozen=True)
class Pictures:
    """Any number K of images ``(K, C, H, W)`` in [0, 1], of the image's size: what it would be if something in it were otherwise.

    In a model's coordinates they are float32 in [0, 1] (``model.normalise`` makes inputs of them): of two that are equal there, and of
    one that is the image itself, the inputs are equal too.
    """

    shape: str = "(K, C, H, W)"

    def find_fault(self, value: Tensor, size: Size) -> str | None:
        """Another size than the image's, or values that are none of an image."""
        shaped = value.ndim == 4 and value.shape[1] in (1, 3) and tuple(value.shape[-2:]) == size
        if shaped and value.is_floating_point():
            return None
        return f"must be float (K, C, {size[0]}, {size[1]}), at the size of the image, not {value.dtype} {tuple(value.shape)}"

    def read(self, given: Tensor, size: Size) -> Tensor:
        """As they are."""
        if (fault := self.find_fault(given, size)) is not None:
            raise ValueError(fault)
        return given.float()

    def layout(self, value: Tensor) -> str:
        """The same of all."""
        return self.shape

    def move(self, value: Tensor, geometry: Geometry, native: Size) -> Tensor:
        """Each as the image is."""
        import torch

        moved = [geometry.image(one.float()) for one in value]
        return torch.stack(moved) if moved else torch.zeros(0, geometry.channels, *geometry.size)

    def missing(self, layout: str, size: Size) -> Tensor:
        """None of several."""
        import torch

        return torch.zeros(0, 1, *size)

    def bin_width(self, value: Tensor) -> float:
        """A level of 8 bit."""
        from harness.api.array_digest import BIN_WIDTH

        return BIN_WIDTH


@dataclass(frozen=True)
class EvidenceKind:
    """A kind of evidence.

    A form checks the tensor of a sample, moves it to a model's coordinates, and makes what stands for a sample that has none. It reads what
    a caller gives of an image (`harness.score`), also as that may be written, or raises ``ValueError`` with what is wrong of it. Its layout
    says of a tensor, in words, what those of other samples must have in common with it to make a batch. Its bin width is by how much float
    values may differ without being others for a digest (`harness.api.array_digest`).

    Attributes:
        name: in ``Sample.evidence`` and ``Case.evidence``.
        need: the word for it among a metric's needs, if that is not the name.
        form: how its tensors look and follow their image.
        implied_by: the kind that it is made of if a sample has that alone, and
        made: how, from a tensor of that kind.
    """

    name: str
    need: str = ""
    form: Raster | Boxes | Pictures = Raster()
    implied_by: str | None = None
    made: Callable[[Tensor], Tensor] | None = None


def box_round(mask: Tensor) -> Tensor:
    """``(1, 4)`` the box round a mask; ``(0, 4)`` if that is empty."""
    from harness.api.geometry import masks_to_boxes

    return masks_to_boxes(mask[None])[mask.any()[None]]


EVIDENCE_KINDS: Mapping[str, EvidenceKind] = {
    kind.name: kind
    for kind in (
        EvidenceKind("mask", need="masks", form=Raster(single=True, boolean=True)),
        EvidenceKind("boxes", need="boxes", form=Boxes(), implied_by="mask", made=box_round),
        EvidenceKind("counterfactuals", need="counterfactuals", form=Pictures()),
    )
}
"""The kinds that are no plain rasters, or have another name among needs."""


def evidence_kind(name: str) -> EvidenceKind:
    """The kind of this name: that of `EVIDENCE_KINDS`, else one of rasters; ``ValueError`` for the word by which a kind is needed."""
    meant = EVIDENCE_KINDS.get(name) or kind_needed(name)
    if meant.name != name:
        raise ValueError(f'evidence of the kind "{meant.name}" is given under that name, not as "{name}"')
    return meant


def kind_needed(need: str) -> EvidenceKind:
    """The kind that a metric asks for by this word."""
    return next((kind for kind in EVIDENCE_KINDS.values() if kind.need == need), None) or EvidenceKind(need, need=need)


def with_known_kinds(evidence: Mapping[str, V] | None, **known: V | None) -> dict[str, V]:
    """Evidence by kind, if those of `EVIDENCE_KINDS` may be given by themselves: None for none, `UNCHANGED` for what is among the rest."""
    given = {**(evidence or {}), **{name: value for name, value in known.items() if value is not UNCHANGED}}
    return {name: value for name, value in given.items() if value is not None}


def _implied_kinds(evidence: Evidence) -> Iterator[tuple[EvidenceKind, str, Callable[[Tensor], Tensor]]]:
    """The kinds that are not given and can be made: of which one, and how."""
    for kind in EVIDENCE_KINDS.values():
        if kind.name not in evidence and kind.implied_by is not None and kind.implied_by in evidence and kind.made is not None:
            yield kind, kind.implied_by, kind.made


def layouts(evidence: Evidence) -> dict[str, str]:
    """The layout of each kind that a sample has, and of those made of them."""
    found = {name: evidence_kind(name).form.layout(value) for name, value in evidence.items()}
    return found | {kind.name: kind.form.shape for kind, _, _ in _implied_kinds(evidence)}


def with_implied_kinds(evidence: Evidence) -> dict[str, Tensor]:
    """A sample's evidence in a model's coordinates with the kinds that are made of others."""
    return {**evidence, **{kind.name: make(evidence[source]) for kind, source, make in _implied_kinds(evidence)}}


def moved(evidence: Evidence, geometry: Geometry, native: Size) -> dict[str, Tensor]:
    """A sample's evidence in a model's coordinates, with the kinds that are made of others."""
    return with_implied_kinds({name: evidence_kind(name).form.move(value, geometry, native) for name, value in evidence.items()})


def batched(samples: Sequence[Evidence], size: Size, known: Mapping[str, str]) -> dict[str, Tensor | Sequence[Tensor]]:
    """Samples' evidence together: of ``(H, W)`` a tensor ``(B, H, W)``, else a list of a tensor per sample.

    ``known`` are layouts of kinds that none of these samples need have.
    """
    import torch

    found: dict[str, Tensor | Sequence[Tensor]] = {}
    for name, layout in (dict(known) | {name: text for sample in samples for name, text in layouts(sample).items()}).items():
        form = evidence_kind(name).form
        tensors = [form.missing(layout, size) if name not in sample else sample[name] for sample in samples]
        found[name] = torch.stack(tensors) if layout.endswith(" (H, W)") else tensors
    return found


def mapped(evidence: EvidenceBatch, change: Callable[[Tensor], Tensor]) -> dict[str, Tensor | Sequence[Tensor]]:
    """Each tensor of a batch's evidence changed."""
    return {name: [change(one) for one in value] if isinstance(value, Sequence) else change(value) for name, value in evidence.items()}


def selected(evidence: EvidenceBatch, rows: Sequence[int]) -> dict[str, Tensor | Sequence[Tensor]]:
    """The evidence of some rows of a batch."""
    return {name: [value[row] for row in rows] if isinstance(value, Sequence) else value[list(rows)] for name, value in evidence.items()}
