"""The images below a folder, and the files that are passed over."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.api.image_files.decoding import SUFFIXES
from harness.api.image_files.medical import is_medical
from harness.api.input_error import InputError

LEFT_BEHIND = frozenset(
    {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__", ".ipynb_checkpoints"}
)
"""Folders that systems and tools leave behind, in lower case."""
_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db", ".gitkeep", ".gitignore", ".directory"})


@dataclass
class Walk:
    """Files below a folder, each kind sorted.

    Attributes:
        images: files that are called as images are.
        others: files that are not, and images that are hidden, in folders that systems leave behind, or links to
            nowhere; without those systems' own files.
    """

    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    @property
    def everything(self) -> list[Path]:
        """All of them."""
        return [*self.images, *self.others]


def existing_folder(root: Path) -> Path:
    """The folder that a parameter ``root`` names, the user's own behind ``~``; raises ``ValueError`` where there is none."""
    root = root.expanduser()
    if root.is_file():
        raise InputError(f"root: is a file, not a folder: unpack it, or name the folder that it is in ({root})")
    if not root.is_dir():
        raise InputError(f"root: there is no folder {root}")
    return root


def walk(folder: Path, without: Sequence[Path] = ()) -> Walk:
    """All files below a folder, behind links too; folders in ``without``, and links into a folder that they are in, are left out."""
    found = Walk()
    above = {*folder.resolve().parents, *(path.resolve() for path in folder.absolute().parents)}
    for path, hidden in _files(folder, {path.resolve() for path in without}, above, False):
        image = is_image(path)
        if image and not hidden and not path.name.startswith("."):
            found.images.append(path)
        elif image or not (hidden or path.name.casefold() in _LITTER or path.name.startswith(".")):
            found.others.append(path)
    return Walk(sorted(found.images), sorted(found.others))


def is_image(path: Path) -> bool:
    """Whether a file is called as images are, or is a medical one."""
    return path.suffix.lower() in SUFFIXES or is_medical(path)


def is_hidden(folder: str) -> bool:
    """Whether a folder of this name holds no data of a person's: it begins with a dot or is what systems leave behind."""
    return folder.startswith(".") or folder.casefold() in LEFT_BEHIND


def composed(name: str) -> str:
    """A name in Unicode's composed form: the one that a keyboard writes, whatever the file system has."""
    return unicodedata.normalize("NFC", name)


def shown(names: Sequence[object], most: int = 5) -> str:
    """``a, b, … 7 more``."""
    more = f", … {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more if names else "none"


def _files(folder: Path, without: set[Path], above: set[Path], hidden: bool) -> Iterator[tuple[Path, bool]]:
    real = folder.resolve()
    if real in without or real in above:
        return
    with os.scandir(folder) as entries:
        children = sorted(entries, key=lambda entry: entry.name)
    for child in children:
        if child.is_dir():
            yield from _files(Path(child.path), without, above | {real}, hidden or is_hidden(child.name))
        elif child.is_file() or child.is_symlink():
            yield Path(child.path), hidden or not child.is_file()
