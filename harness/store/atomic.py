"""Files that are whole or absent: written to a temporary name, synced, renamed.

What a writer that died left under a temporary name is removed when a store is pruned.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")


def temporary_name(name: str) -> str:
    """A new hidden name beside ``name``."""
    return f".{name}.{token_hex(6)}.tmp"


def is_temporary(name: str) -> bool:
    """Whether a file of this name is, or was, being written."""
    return _TEMPORARY.fullmatch(name) is not None


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
