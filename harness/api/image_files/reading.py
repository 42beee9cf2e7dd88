"""Checks that images and their masks can be read, before any of them is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.api.image_files.decoding import check
from harness.api.image_files.entries import Entry
from harness.api.image_files.locating import Locator, there
from harness.api.image_files.mask_files import fits
from harness.api.image_files.traits import Traits, Unreadable
from harness.api.image_files.walking import shown
from harness.api.input_error import InputError


@dataclass
class Reading:
    """Reads entries, and gathers what a person should know of them.

    Attributes:
        locator: where images are looked for.
        faults: why an image, or its mask, cannot be read, by its id.
        places: where a manifest lists those, by the same.
    """

    locator: Locator
    faults: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    _transparent: list[str] = field(default_factory=list)
    _moving: list[str] = field(default_factory=list)
    _slices: list[str] = field(default_factory=list)
    _squared: list[str] = field(default_factory=list)
    _turned: list[str] = field(default_factory=list)
    _scaled: list[str] = field(default_factory=list)
    _unturned: list[str] = field(default_factory=list)
    _beyond: list[str] = field(default_factory=list)
    _misfits: list[str] = field(default_factory=list)
    _lost: list[str] = field(default_factory=list)

    def readable(self, entry: Entry) -> bool:
        """Whether the image and its evidence can be read; what is wrong goes into ``faults``."""
        found: list[Traits] = []
        for path in (entry.path, *entry.masks):
            try:
                found.append(entry.kind.check(path) if path == entry.path else check(path))
            except Unreadable as fault:
                name = entry.id if path == entry.path else f"{entry.id} (mask {path.name})"
                missing = not there(path) and path.is_relative_to(self.locator.root)
                hint = self.locator.hint(path.relative_to(self.locator.root).as_posix()) if missing else ""
                self.faults[name] = f"{fault}{hint}"
                self.places[name] = f"{entry.place}: " if entry.place else ""
                return False
        for kind, read in entry.evidence.items():
            try:
                read(found[0].size)
            except ValueError as fault:
                name = f"{entry.id} ({kind})"
                self.faults[name], self.places[name] = str(fault), ""
                return False
        self._learn(entry, found[0], found[1:])
        return True

    def _learn(self, entry: Entry, image: Traits, masks: Sequence[Traits]) -> None:
        if image.transparent:
            self._transparent.append(entry.id)
        if image.frames > 1:
            self._moving.append(entry.id)
        if image.slice:
            self._slices.append(f"{entry.id}: {image.slice}")
        if image.stored not in (None, image.size):
            self._squared.append(entry.id)
        for path, mask in zip(entry.masks, masks, strict=True):
            how = fits(mask.size, image)
            if how is None:
                self._misfits.append(f"{path}: a mask of {mask.size} for an image of {image.size} (height, width)")
            elif how != "as it is":
                (self._turned if how == "turned" else self._scaled).append(entry.id)
            elif image.keeps_its_size and mask.orientation == 1:
                self._unturned.append(entry.id)
        height, width = image.size
        for x0, y0, x1, y1 in entry.boxes or ():
            if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
                self._lost.append(f"{entry.place}: the box {[x0, y0, x1, y1]} lies outside of an image of {width} × {height}")
            elif x1 <= 1 and y1 <= 1 < min(height, width):
                self._lost.append(f"{entry.place}: the box {[x0, y0, x1, y1]} is in fractions of the image")
            elif x0 < -1 or y0 < -1 or x1 > width + 1 or y1 > height + 1:
                self._beyond.append(entry.id)

    def complain(self, most: int = 20) -> None:
        """Raise ``ValueError`` that lists the masks which are not their images', or else the boxes."""
        for heading, found in (
            ("masks of other proportions than their images", self._misfits),
            ("boxes must be in pixels of the image as it is shown", self._lost),
        ):
            if found:
                more = f"\n… and {len(found) - most} more" if len(found) > most else ""
                raise InputError(f"{heading}:\n" + "\n".join(found[:most]) + more)

    def notes(self) -> list[str]:
        """A sentence for each thing that was done with some of the images."""
        said = [
            (self._transparent, "transparency is dropped, as torchvision drops it, of {}"),
            (self._moving, "the first picture is taken of {}"),
            (self._slices, "the middle slice is taken of {} (a manifest names another as FILE#NUMBER)"),
            (self._squared, "pixels that are not square are made so, of {}"),
            (self._turned, "masks are turned as EXIF turns their images, of {}"),
            (self._unturned, "masks are taken to be of the image as it is shown, which EXIF turns without changing its size, of {}"),
            (self._beyond, "boxes reach beyond the image (are they x0, y0, x1, y1, of the image at its own size?), of {}"),
            (self._scaled, "masks are scaled to the size of their images, of {}"),
        ]
        named = [(list(dict.fromkeys(ids)), text) for ids, text in said if ids]
        return [text.format(f"{len(ids)} images ({shown(ids, 3)})" if len(ids) > 1 else ids[0]) for ids, text in named]
