"""The dataset ``image-folder``: one's own images, in class folders or listed in a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Sample, dataset
from harness_torchvision.class_folders import entries_in_folders
from harness_torchvision.decoding import Unreadable, decode_image
from harness_torchvision.entries import Entry
from harness_torchvision.locating import Locator
from harness_torchvision.manifest import entries_in_manifest
from harness_torchvision.mask_files import mask_of
from harness_torchvision.reading import Reading
from harness_torchvision.selection import balanced

_SHOWN = 20


class ImageFolder:
    """Images that are read when they are asked for.

    Attributes:
        class_names: names of the classes, sorted; None where labels are numbers of the model's classes.
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
        image = _read(decode_image, entry.path)
        size = (image.shape[1], image.shape[2])
        mask = mask_of(entry.masks, entry.path, size) if entry.masks else None
        boxes = None if entry.boxes is None else torch.tensor(entry.boxes, dtype=torch.float32).reshape(-1, 4)
        return Sample(image, self._label(entry), entry.id, mask, boxes)

    def _label(self, entry: Entry) -> int:
        return entry.label if isinstance(entry.label, int) else list(self.class_names or ()).index(entry.label)


@dataset(selection={"samples", "seed", "unreadable", "masks"})
def image_folder(
    *,
    root: Path,
    manifest: Path | None = None,
    masks: Path | None = None,
    split: str | None = None,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFolder:
    """One's own images: a folder per class, or a CSV manifest, with masks and boxes where there are any.

    The manifest and masks are taken from ``root`` where they are not absolute, or else from the working folder. Grey images of 16 bit keep
    their depth; transparency is dropped, as torchvision drops it; of animations the first frame counts; EXIF's orientation is applied.
    Names are the same in either normal form of Unicode. What is passed over or guessed is in the run's notes.

    A mask is what is not black and not transparent; of a palette, the indices that are not 0. It is of the image as it is shown (one of the
    size that EXIF turns is turned alike), and scaled to the nearest pixel where it has the proportions but not the size of the image.

    Raises ``ValueError`` for what is not there or is not as it should be.

    Args:
        root: the folder of the images, ``root/CLASS/…``, or with ``split`` ``root/SPLIT/CLASS/…``. A model without class names has them in
            the order of text, as in torchvision's ImageFolder, whatever numbers they are.
        manifest: a CSV file in place of class folders, with ``path,label`` and optionally ``id``, ``mask``, ``boxes`` (JSON
            ``[[x0, y0, x1, y1], …]`` in pixels of the image as it is shown) and ``split``; where all labels are whole numbers, ``10`` or
            ``10.0``, they are classes of the model.
        masks: the folder of the masks, by default ``root/masks``; that of ``root/a/b.jpg`` is ``masks/a/b.*`` or ``masks/a/b_mask.*``, or
            in a folder without folders ``masks/b.*``, or beside it ``a/b_mask.*`` or ``a/masks/b.*``, and an image may have none.
        split: the folder below ``root``, or the manifest's column, that images are taken of; by default there are no splits.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    root = root.expanduser()
    if not root.is_dir():
        what = (
            f"is a file, not a folder: unpack it, or name the folder that it is in ({root})"
            if root.is_file()
            else f"there is no folder {root}"
        )
        raise ValueError(f"root: {what}")
    if manifest is None:
        found = entries_in_folders(root, None if masks is None else _masks(root, masks), split)
        return _chosen(root, found.entries, found.classes, samples, seed, unreadable, found.notes)
    if masks is not None:
        raise ValueError("masks: a manifest names each mask in its column `mask`")
    lists = [root / manifest.expanduser(), manifest.expanduser()]
    entries, names, notes = entries_in_manifest(next(filter(Path.is_file, lists), lists[0]), root, split)
    return _chosen(root, entries, names, samples, seed, unreadable, notes)


def _masks(root: Path, given: Path) -> Path:
    """The folder of masks that is given, looked for in ``root`` and then in the working folder."""
    found = next((path for path in (root / given.expanduser(), given.expanduser()) if path.is_dir()), None)
    if found is None:
        raise ValueError(f"masks: there is no folder {given}, neither in {root} nor in the working folder")
    return found


def _chosen(
    root: Path,
    entries: Sequence[Entry],
    names: Sequence[str] | None,
    samples: int | None,
    seed: int,
    unreadable: Literal["skip", "error"],
    notes: Sequence[str],
) -> ImageFolder:
    if samples is not None and samples > len(entries):
        raise ValueError(f"samples: {samples}, and there are {len(entries)} images: write that many or fewer, or leave it out for all")
    reading = Reading(Locator(root))
    ordered: Iterable[Entry] = entries if samples is None else balanced(entries, seed)
    good = list(islice(filter(reading.readable, ordered), samples))
    listed = [f"{name}: {fault}" for name, fault in reading.faults.items()]
    if listed and unreadable == "error":
        more = f"\n… and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        told = "\n".join(f"{reading.places[name]}{name}: {fault}" for name, fault in islice(reading.faults.items(), _SHOWN))
        number = "1 image" if len(listed) == 1 else f"{len(listed)} images"
        raise ValueError(f"{number} cannot be read (`unreadable: skip` leaves them out):\n{told}{more}")
    if len(good) < (samples or 1):
        raise ValueError(
            f"samples: {samples or 'any'} of {len(good)} images that can be read; {len(listed)} cannot: {'; '.join(listed[:_SHOWN])}"
        )
    reading.complain()
    return ImageFolder(good, names, [*notes, *reading.notes(), *(f"skipped {fault}" for fault in listed)])


def _read(decode: Callable[[Path], Tensor], path: Path) -> Tensor:
    try:
        return decode(path)
    except Unreadable as fault:
        raise ValueError(f"{path}: {fault}") from fault
