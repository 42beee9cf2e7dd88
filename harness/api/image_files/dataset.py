"""The data set of images that were found among files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from harness.api.image_files.entries import Entry
from harness.api.image_files.locating import Locator
from harness.api.image_files.mask_files import mask_of
from harness.api.image_files.reading import Reading
from harness.api.image_files.selection import balanced
from harness.api.image_files.traits import Unreadable
from harness.api.input_error import InputError
from harness.api.sample import Sample

_SHOWN = 20


class ImageFiles:
    """Images that are read when they are asked for.

    Attributes:
        class_names: names of the classes; None where labels are numbers of the model's classes.
        notes: what was passed over, guessed or skipped, and why.
    """

    def __init__(self, entries: Sequence[Entry], class_names: Sequence[str] | None, notes: Sequence[str] = ()) -> None:
        self.entries = list(entries)
        self.class_names = class_names
        self.notes = list(notes)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (C, H, W) in [0, 1] with C of 1 or 3; raises ``ValueError`` where a file cannot be read any more."""
        if not 0 <= index < len(self.entries):
            raise IndexError(f"sample {index} of {len(self.entries)}")
        entry = self.entries[index]
        try:
            image = entry.kind.decode(entry.path)
        except Unreadable as fault:
            raise InputError(f"{entry.path}: {fault}") from fault
        return Sample(image, self._label(entry), entry.id, evidence=_evidence(entry, (image.shape[1], image.shape[2])))

    def _label(self, entry: Entry) -> int:
        return entry.label if isinstance(entry.label, int) else list(self.class_names or ()).index(entry.label)


def choose_images(
    root: Path,
    entries: Sequence[Entry],
    class_names: Sequence[str] | None,
    *,
    samples: int | None,
    seed: int,
    unreadable: Literal["skip", "error"],
    notes: Sequence[str] = (),
) -> ImageFiles:
    """The first ``samples`` of the entries that can be read, in an order by ``seed`` that balances classes; all, as they are, for None.

    Of what is taken every file is read first. Raises ``ValueError`` for fewer entries than ``samples``, and one that lists the files which
    cannot be read, unless they are to be skipped and noted.
    """
    if samples is not None and samples > len(entries):
        raise InputError(f"samples: {samples}, and there are {len(entries)} images: write that many or fewer, or leave it out for all")
    reading = Reading(Locator(root))
    ordered: Iterable[Entry] = entries if samples is None else balanced(entries, seed)
    good = list(islice(filter(reading.readable, ordered), samples))
    listed = [f"{name}: {fault}" for name, fault in reading.faults.items()]
    if listed and unreadable == "error":
        more = f"\n… and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        told = "\n".join(f"{reading.places[name]}{name}: {fault}" for name, fault in islice(reading.faults.items(), _SHOWN))
        number = "1 image" if len(listed) == 1 else f"{len(listed)} images"
        raise InputError(f"{number} cannot be read (`unreadable: skip` leaves them out):\n{told}{more}")
    if len(good) < (samples or 1):
        raise InputError(
            f"samples: {samples or 'any'} of {len(good)} images that can be read; {len(listed)} cannot: {'; '.join(listed[:_SHOWN])}"
        )
    reading.complain()
    return ImageFiles(good, class_names, [*notes, *reading.notes(), *(f"skipped {fault}" for fault in listed)])


def _evidence(entry: Entry, size: tuple[int, int]) -> dict[str, Tensor]:
    found = {name: read(size) for name, read in entry.evidence.items()}
    if entry.masks:
        found["mask"] = mask_of(entry.masks, entry.path, size)
    if entry.boxes is not None:
        found["boxes"] = torch.tensor(entry.boxes, dtype=torch.float32).reshape(-1, 4)
    return {name: value for name, value in found.items() if value is not None}
