"""The state of files, by which it is told cheaply whether they may have changed, and what they hold, which is in keys."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from typing import Any

from harness.registry.canonical_json import json_digest

FileState = list[Any]
ABSENT = "absent"


def file_state_of(path: str) -> FileState:
    """Size and times of a file (`stat_times`); of a folder its names; what is not there is ``["absent"]``."""
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            return ["folder", _folder_digest(path)]
        return ["file", found.st_size, *stat_times(found)]
    except (OSError, ValueError):
        return [ABSENT]


def stat_times(found: os.stat_result) -> tuple[int, int]:
    """Times when a file was modified and when it was changed in any way (ns): the second no program can set back."""
    return found.st_mtime_ns, found.st_ctime_ns


def file_states_of(paths: Iterable[str]) -> dict[str, FileState]:
    """The state of each path."""
    return {path: file_state_of(path) for path in sorted(paths)}


def files_unchanged(states: Mapping[str, FileState]) -> bool:
    """Whether all paths are in these states."""
    return all(file_state_of(path) == state for path, state in states.items())


def content_digest_of(path: str) -> str:
    """SHA-256 (hex) of what is in a file; a digest of a folder's names; ``absent`` if there is nothing."""
    try:
        if os.path.isdir(path):
            return _folder_digest(path)
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ABSENT


def _folder_digest(folder: str) -> str:
    return json_digest(sorted(name for name in os.listdir(folder) if name != "__pycache__" and not name.endswith((".pyc", ".pyo"))))
