"""The folders of published data sets: found where they were unpacked, or refused with what is missing and what was expected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.api import InputError
from harness.api.image_files.entries import Entry
from harness.api.image_files.walking import existing_folder, is_hidden, shown

_DEPTH = 2  # archives are often unpacked into a folder of their name, which holds one of the same name


@dataclass(frozen=True)
class Layout:
    """Layout of the folder that a publisher ships.

    Attributes:
        name: of the data set.
        source: where it is found.
        tree: the folder as text, a line for each part.
        needed: what it must have, as paths below it in which ``*`` stands for part of a name; ``a|b`` needs one of the two.
    """

    name: str
    source: str
    tree: str
    needed: Sequence[str]

    def find(self, root: Path) -> Path:
        """The folder with all that is needed: ``root``, one of up to two levels below it, or the one that it is in.

        Raises ``ValueError`` that says what is missing, and shows the layout, or names the folders of which any may be meant.
        """
        root = existing_folder(root)
        for level in _levels(root):
            whole = [folder for folder in level if not self._missing(folder)]
            if len(whole) > 1:
                raise InputError(f"root: {root} holds {self.name} more than once: choose one of {shown(sorted(whole))}")
            if whole:
                return whole[0]
        if not self._missing(root.resolve().parent):
            return root.resolve().parent
        nearest = min((folder for level in _levels(root) for folder in level), key=lambda folder: len(self._missing(folder)))
        raise InputError(self._fault(nearest))

    def present(self, base: Path, entries: Sequence[Entry], unreadable: Literal["skip", "error"]) -> tuple[list[Entry], list[str]]:
        """The entries whose image is there, and a note of others; raises ``ValueError`` for these unless they are to be skipped."""
        kept = [entry for entry in entries if entry.path.exists()]
        if len(kept) == len(entries):
            return kept, []
        there = set(map(id, kept))
        absent = [entry.path.name for entry in entries if id(entry) not in there]
        told = f"{len(absent)} of {len(entries)} images are nowhere below {base}: {shown(absent, 3)}"
        if unreadable == "error" or not kept:
            raise self.lacks(f"{told} (`unreadable: skip` leaves them out)" if kept else told)
        return kept, [told]

    def lacks(self, what: str) -> InputError:
        """The error for something else that a folder does not have."""
        return InputError(f"root: {what};\n{self._expected()}")

    def _missing(self, folder: Path) -> list[str]:
        return [path for path in self.needed if not any(next(folder.glob(name), None) for name in path.split("|"))]

    def _fault(self, folder: Path) -> str:
        missing = [" or ".join(path.split("|")[:2]) for path in self._missing(folder)]
        holds = sorted(child.name for child in folder.iterdir() if not child.name.startswith("."))
        return f"root: {folder} is not {self.name}: it has no {shown(missing, 3)} (it has {shown(holds, 6)});\n{self._expected()}"

    def _expected(self) -> str:
        """The layout, which can be read as one line too."""
        return f"expected, as {self.source} has it:\n" + ",\n".join(f"  {line}" for line in self.tree.strip("\n").splitlines())


def _levels(root: Path) -> Iterator[list[Path]]:
    level = [root]
    for _ in range(_DEPTH + 1):
        yield level
        level = [child for folder in level for child in sorted(folder.iterdir()) if child.is_dir() and not is_hidden(child.name)]
