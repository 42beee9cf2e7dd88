"""A folder of this machine, or of a file system that is mounted on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.store.atomic import write_atomically
from harness.store.folder import FileEntry, ReadResults


class LocalFolder:
    """Implements `harness.store.folder.Folder`; a written file is synced, and so is the folder that it is in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = str(path.resolve())

    def shown(self, path: str = "") -> str:
        """The path as the folder's was given."""
        return str(self.path / path)

    def read(self, path: str) -> bytes:
        """The content of a file."""
        return (self.path / path).read_bytes()

    def read_many(self, paths: Sequence[str]) -> ReadResults:
        """One after the other."""
        return _read_each(paths, self.read)

    def read_heads(self, paths: Sequence[str], size: int) -> ReadResults:
        """One after the other."""

        def read_head(path: str) -> bytes:
            with (self.path / path).open("rb") as stream:
                return stream.read(size)

        return _read_each(paths, read_head)

    def write(self, path: str, content: bytes) -> None:
        """Under a temporary name, synced, renamed."""
        write_atomically(self.path / path, content)

    def names(self, path: str) -> list[str]:
        """Of whatever kind, behind a link too."""
        try:
            with os.scandir(self.path / path) as found:
                return [entry.name for entry in found]
        except FileNotFoundError:
            return []

    def files(self, path: str = "") -> list[FileEntry]:
        """Links are neither followed nor listed; the store itself may stand behind one."""
        folder = self.path / path if path else self.path.resolve()
        return [found for entry in _scan_folder(folder) if (found := _file_entry(entry, f"{path}/{entry.name}" if path else entry.name))]

    def walk_files(self, path: str) -> Iterator[FileEntry]:
        """Links are neither followed nor listed."""
        folders = [path]
        while folders:
            folder = folders.pop()
            for entry in _scan_folder(self.path / folder):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{folder}/{entry.name}")
                elif (found := _file_entry(entry, f"{folder}/{entry.name}")) is not None:
                    yield found

    def move(self, path: str, to: str) -> None:
        """A file, or a folder that stands where a file should."""
        (self.path / to).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).replace(self.path / to)

    def remove(self, path: str) -> bool:
        """Whether the file is gone by this."""
        try:
            (self.path / path).unlink()
        except FileNotFoundError:
            return False
        return True

    def clear(self, path: str) -> None:
        """Again and again while another run compacts it."""
        folder = self.path / path
        while folder.exists():
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                continue


def _read_each(paths: Sequence[str], read: Callable[[str], bytes]) -> ReadResults:
    for path in paths:
        try:
            yield path, read(path)
        except OSError as error:
            yield path, error


def _file_entry(entry: os.DirEntry[str], path: str) -> FileEntry | None:
    """A regular file; None for anything else, or if another run has just removed it."""
    try:
        status = entry.stat(follow_symlinks=False) if entry.is_file(follow_symlinks=False) else None
    except FileNotFoundError:
        return None
    return status and FileEntry(path, status.st_size, status.st_mtime)


def _scan_folder(folder: Path) -> list[os.DirEntry[str]]:
    """What stands in a folder; nothing if there is none, or a link to one."""
    if folder.is_symlink():
        return []
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
