"""The journal of a run folder: one JSON line per event, appended, so that a run can be followed and looked back at.

Whoever writes it has the folder: two runs at once would leave files of one beside files of the other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.store.errors import StoreError, describe_os_error

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


class Journal:
    """Appends events with the time since the run's start; a context manager that closes the file, and with it gives the folder back.

    Raises `StoreError` where another run has the folder.

    Attributes:
        lacking: why it lacks events, where it could not be written: no run ends for that.
    """

    lacking: str | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("ab", buffering=0)
        _lock_folder(self._stream, path.parent)
        self._started = time.monotonic()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()

    def write(self, event: Mapping[str, Any]) -> None:
        """Append one line."""
        line = json.dumps({"at": round(time.monotonic() - self._started, 3), **event}).encode() + b"\n"
        try:
            if self._stream.write(line) < len(line):
                self.lacking = f"{self._path} ends within a line: the disk is full"
        except OSError as error:
            self.lacking = f"{self._path} lacks some events: {describe_os_error(error)}"


def _lock_folder(stream: FileIO, folder: Path) -> None:
    """Lock the file for as long as it is open, however the process ends; a file system without locks has none to give."""
    if fcntl is None:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError):
            stream.close()
            raise StoreError(f"the run folder {folder} is in use by another run: wait until that ends, or use another --out") from error
