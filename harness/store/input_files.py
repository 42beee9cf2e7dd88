"""Inputs of runs that are costly to make, kept in a store's folder on this machine: what is lost is made again.

Nothing depends on a file of these: one that is damaged, or cannot be read or written, is as one that is not there. So they are neither
synced nor locked, and writers that meet write the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.store.address import protocol_of
from harness.store.atomic import is_temporary, temporary_name

INPUTS_FOLDER = "inputs"
DEFAULT_BOUND = 2 * 10**9  # bytes
IN_USE_FOR = 600.0  # seconds after its last use in which a file makes no room for others: what is larger than the bound is kept in part
SPARE_BYTES = 2**30  # bytes that are left free on the disk, for results
CHECKSUM_BYTES = 4  # CRC-32 of key and content, at the end of a file: one that was copied to another's place is damaged


@dataclass
class InputFiles:
    """Contents by key, up to a bound on all of them; those go first whose last use is longest ago.

    Attributes:
        folder: where they are, on this machine.
        bound: bytes; 0 keeps none, and reads none. Several processes that write may go beyond it, each by a sixteenth.
    """

    folder: Path
    bound: int = DEFAULT_BOUND
    _size: int | None = field(default=None, repr=False)  # bytes that are there, as far as this process knows
    _written: int = field(default=0, repr=False)
    _refused: bool = field(default=False, repr=False)

    @classmethod
    def of_store(cls, address: str, bound: int = DEFAULT_BOUND) -> InputFiles | None:
        """Those of a store; none of one that is elsewhere, from where to fetch an input takes as long as to make it."""
        return cls(Path(address) / INPUTS_FOLDER, bound) if protocol_of(address) is None and bound > 0 else None

    def get(self, key: str) -> bytes | None:
        """The content under a key, if it is there and whole."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        body = memoryview(content)[:-CHECKSUM_BYTES]
        if len(content) < CHECKSUM_BYTES or content[-CHECKSUM_BYTES:] != _checksum(key, body):
            self.drop(key)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return bytes(body)

    def put(self, key: str, content: bytes) -> None:
        """Keep a content, if there is room for it and the folder can be written."""
        size = len(content) + CHECKSUM_BYTES
        path = self._path(key)
        if self._refused or size > self.bound:
            return
        temporary = path.with_name(temporary_name(path.name))
        try:
            if path.exists() or not self._make_room(size):
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.write(_checksum(key, content))
            temporary.replace(path)
        except OSError:  # full, or not to be written: no other file is tried
            self._refused = True
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            return
        self._size = (self._size or 0) + size
        self._written += size

    def drop(self, key: str) -> None:
        """Remove what is no such content."""
        with contextlib.suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _make_room(self, size: int) -> bool:
        """Whether another file of this size fits, when what was not used lately has gone if need be."""
        parent = next(folder for folder in (self.folder, *self.folder.parents) if folder.exists())
        if shutil.disk_usage(parent).free < SPARE_BYTES + size:
            return False
        if self._size is None or self._written > self.bound // 16:
            self._size, self._written = sum(file.st_size for _, file in self._files()), 0
        if self._size + size > self.bound:
            self._size = self._remove_unused(self.bound - size)
        return self._size + size <= self.bound

    def _remove_unused(self, most: int) -> int:
        """Remove files, the longest unused first, until no more bytes than these are left, or only files in use; returns how many are."""
        files = sorted(self._files(), key=lambda found: found[1].st_mtime)
        left = sum(file.st_size for _, file in files)
        for path, file in files:
            if left <= most or file.st_mtime > time.time() - IN_USE_FOR:
                break
            path.unlink(missing_ok=True)
            left -= file.st_size
        return left

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Links to folders or files are neither followed nor counted, as in `harness.store.prune`."""
        with contextlib.suppress(FileNotFoundError):
            for path in self.folder.glob("*/*"):
                with contextlib.suppress(FileNotFoundError):
                    if not (is_temporary(path.name) or path.is_symlink() or path.parent.is_symlink()):
                        yield path, path.stat()


def _checksum(key: str, content: bytes | memoryview) -> bytes:
    return zlib.crc32(content, zlib.crc32(key.encode())).to_bytes(CHECKSUM_BYTES, "little")
