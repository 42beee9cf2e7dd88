"""Whether images and their masks can be read, before any of them is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness_torchvision.decoding import Traits, Unreadable, check
from harness_torchvision.entries import Entry
from harness_torchvision.locating import Locator, there
from harness_torchvision.mask_files import fits
from harness_torchvision.walking import shown


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
    _turned: list[str] = field(default_factory=list)
    _scaled: list[str] = field(default_factory=list)
    _misfits: list[str] = field(default_factory=list)

    def readable(self, entry: Entry) -> bool:
        """Whether the image and its masks can be read; what is wrong goes into ``faults``."""
        found: list[Traits] = []
        for path in (entry.path, *entry.masks):
            try:
                found.append(check(path))
            except Unreadable as fault:
                name = entry.id if path == entry.path else f"{entry.id} (mask {path.name})"
                missing = not there(path) and path.is_relative_to(self.locator.root)
                hint = self.locator.hint(path.relative_to(self.locator.root).as_posix()) if missing else ""
                self.faults[name] = f"{fault}{hint}"
                self.places[name] = f"{entry.place}: " if entry.place else ""
                return False
        self._learn(entry, found[0], found[1:])
        return True

    def _learn(self, entry: Entry, image: Traits, masks: Sequence[Traits]) -> None:
        if image.transparent:
            self._transparent.append(entry.id)
        if image.frames > 1:
            self._moving.append(entry.id)
        for path, mask in zip(entry.masks, masks, strict=True):
            how = fits(mask.size, image)
            if how is None:
                self._misfits.append(f"{path}: a mask of {mask.size} for an image of {image.size} (height, width)")
            elif how != "as it is":
                (self._turned if how == "turned" else self._scaled).append(entry.id)

    def complain_of_masks(self, most: int = 20) -> None:
        """Raise ``ValueError`` that lists the masks which are not their images'."""
        if self._misfits:
            more = f"\n… and {len(self._misfits) - most} more" if len(self._misfits) > most else ""
            raise ValueError("masks of other proportions than their images:\n" + "\n".join(self._misfits[:most]) + more)

    def notes(self) -> list[str]:
        """A sentence for each thing that was done with some of the images."""
        said = [
            (self._transparent, "transparency is dropped, as torchvision drops it, of {}"),
            (self._moving, "the first picture is taken of {}"),
            (self._turned, "masks are turned as EXIF turns their images, of {}"),
            (self._scaled, "masks are scaled to the size of their images, of {}"),
        ]
        return [text.format(f"{len(ids)} images ({shown(ids, 3)})" if len(ids) > 1 else ids[0]) for ids, text in said if ids]
