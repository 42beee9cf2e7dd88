"""Images in folders that name their classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.api import InputError
from harness.api.image_files.entries import Entry
from harness.api.image_files.walking import composed, shown, walk


def entries_below(base: Path, folders: Mapping[Path, str]) -> tuple[list[Entry], list[str]]:
    """The images of folders with the label of each, ids being paths from ``base``, sorted; and a note of files that are none.

    Raises ``ValueError`` for a folder without images.
    """
    entries: list[Entry] = []
    others: list[Path] = []
    for folder, label in folders.items():
        found = walk(folder)
        if not found.images:
            raise InputError(f"root: there are no images in {folder}")
        entries += [Entry(path, label, composed(path.relative_to(base).as_posix())) for path in found.images]
        others += found.others
    names = [path.relative_to(base).as_posix() for path in others]
    notes = [f"passed over, as no images: {shown(names, 3)} ({len(names)} in all)"] if names else []
    return sorted(entries, key=lambda entry: entry.id), notes
