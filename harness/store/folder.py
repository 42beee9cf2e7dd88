"""The folder that a store's files are in, wherever that is: on this machine, or in a place that fsspec knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.store.address import protocol_of

ReadResults = Iterator[tuple[str, bytes | OSError]]
"""Path and content, or why there is none, in the order that was asked for."""


@dataclass(frozen=True)
class FileEntry:
    """A file: its path in the store, bytes, and when it was written (seconds since the epoch)."""

    path: str
    size: int
    written: float

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Folder(Protocol):
    """Files by paths that are relative to the folder, with ``/`` between their parts.

    Every method raises ``OSError`` if the folder cannot be used, and ``FileNotFoundError`` if a file is not there.

    Attributes:
        address: what another process opens the same folder by; it may carry credentials.
    """

    address: str

    def shown(self, path: str = "") -> str:
        """The folder, or a path in it, for a person to read: without credentials."""

    def read(self, path: str) -> bytes:
        """The content of a file."""

    def read_many(self, paths: Sequence[str]) -> ReadResults:
        """The contents of files, as they are asked for."""

    def read_heads(self, paths: Sequence[str], size: int) -> ReadResults:
        """The first ``size`` bytes of files, or as many as they have."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file, replacing what is there: others see it whole or not at all. When this returns it is durable."""

    def names(self, path: str) -> list[str]:
        """The names of what is in a folder, in no order; none if there is no such folder."""

    def files(self, path: str = "") -> list[FileEntry]:
        """The files that are in a folder itself, behind no link."""

    def walk_files(self, path: str) -> Iterator[FileEntry]:
        """The files that are in a folder at any depth, behind no link."""

    def move(self, path: str, to: str) -> None:
        """Move a file, replacing what is there."""

    def remove(self, path: str) -> bool:
        """Remove a file; whether it was there, as far as can be known."""

    def clear(self, path: str) -> None:
        """Remove a folder with all that is in it, also what others put there meanwhile."""


def open_folder(address: Path | str) -> Folder:
    """The folder that a path or a URL names; raises `StoreError` if no driver takes the URL, or it does not answer."""
    if protocol_of(str(address)) is None:
        from harness.store.local_folder import LocalFolder

        return LocalFolder(Path(address))
    from harness.store.remote_folder import RemoteFolder

    return RemoteFolder(str(address))
