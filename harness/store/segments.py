"""Segments: files that are written once, under a name of their own that carries the checksum of their content.

They lie in folders, one for each kind and group: written, listed, read, and set aside if they are damaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from secrets import token_hex

import pyarrow as pa
from safetensors import SafetensorError

from harness.store.errors import StoreError, describe_os_error, describe_with_advice, is_inconclusive, wrap_read_errors
from harness.store.folder import Folder
from harness.store.segment_index import SegmentIndex

DAMAGED_FOLDER = "damaged"
MALFORMED_JSON_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)  # what reading JSON of any shape may raise
_NAME = re.compile(r"[0-9a-f]{12}\.[0-9a-f]{16}\.[a-z]+")


def checksum(content: bytes) -> str:
    """BLAKE2b of 8 bytes, in hex."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def segment_name(suffix: str, content: bytes) -> str:
    """A new name ``<random>.<checksum><suffix>``; no two writers can collide, so no lock is needed."""
    return f"{token_hex(6)}.{checksum(content)}{suffix}"


def is_intact(name: str, content: bytes) -> bool:
    """Whether a file of this name never changes, and this is all of what was written to it."""
    return _NAME.fullmatch(name) is not None and name.split(".")[1] == checksum(content)


class SegmentGroups:
    """Base of the kinds of segments.

    Attributes:
        folder: where the files are.
        damaged: names of the files that were found damaged and set aside, with the reason.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.damaged: list[str] = []
        self._index = SegmentIndex()

    @property
    def shown(self) -> str:
        """Place where it is, for a person to read."""
        return self.folder.shown()

    def _segments(self, kind: str, group: str, suffix: str) -> list[str]:
        """In a fixed order; temporary files of writers that died are not among them."""
        folder = group_path(kind, group)
        with wrap_read_errors(self.shown):
            names = self.folder.names(folder)
        return [f"{folder}/{name}" for name in sorted(names) if name.endswith(suffix) and not name.startswith(".")]

    def _write_segment(self, kind: str, group: str, suffix: str, content: bytes) -> str:
        path = f"{group_path(kind, group)}/{segment_name(suffix, content)}"
        self.folder.write(path, content)
        return path

    def _contents(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The segments that are whole: what is damaged is set aside, and what another run has just compacted is left out."""
        with wrap_read_errors(self.shown):
            for path, found in self.folder.read_many(paths):
                if isinstance(found, FileNotFoundError):
                    continue
                if isinstance(found, OSError):
                    self._unreadable(path, found)
                    continue
                name = path.rpartition("/")[2]
                if is_intact(name, found):
                    yield path, found
                else:
                    self._set_aside(path, f"{name} is damaged: its content does not match its checksum")

    @contextlib.contextmanager
    def _setting_aside(self, path: str) -> Iterator[None]:
        """A file that cannot be decoded is set aside, as one whose checksum is wrong."""
        try:
            yield
        except (*MALFORMED_JSON_ERRORS, pa.ArrowException, SafetensorError) as error:
            self._set_aside(path, f"{path.rpartition('/')[2]} cannot be read: {error}")

    def _unreadable(self, path: str, error: OSError) -> None:
        """Set aside what the disk does not give; raises `StoreError` if the file itself may be whole, and would be computed again."""
        if is_inconclusive(error):
            raise StoreError(f"{self.folder.shown(path)} cannot be read: {describe_with_advice(error)}") from error
        self._set_aside(path, f"cannot be read: {describe_os_error(error)}")

    def _set_aside(self, path: str, why: str) -> None:
        """Report a file, and move it to ``damaged/``; if it cannot be moved it stays where it is."""
        _, group, name = path.rsplit("/", 2)
        with contextlib.suppress(OSError):
            self.folder.move(path, f"{DAMAGED_FOLDER}/{name}")
        told = f"{group[:12]}/{name}: {why}"
        if told not in self.damaged:
            self.damaged.append(told)


def group_path(kind: str, group: str) -> str:
    """The folder of a group's files of one kind, in a store."""
    return f"{kind}/{group[:2]}/{group}"
