"""Files of this machine that are whole or absent: written to a temporary name, synced, renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.store.temporary_names import temporary_name


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``; what was written there is synced and takes its place when the block ends well.

    A reader, or a crash at any moment, sees the old file or the whole new one. After an exception the temporary file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(temporary_name(path.name))
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content``, replacing what is there."""
    with replace_atomically(path) as temporary:
        temporary.write_bytes(content)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; a platform that cannot open folders has nothing to sync."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
