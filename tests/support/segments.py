"""Segments as files of this machine, past the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.store.atomic import write_atomically
from harness.store.row_files import decode_rows
from harness.store.segments import is_intact, segment_name


def write_segment(folder: Path, suffix: str, content: bytes) -> Path:
    """A new segment in a folder."""
    path = folder / segment_name(suffix, content)
    write_atomically(path, content)
    return path


def read_segment(path: Path) -> bytes:
    """Its content; raises where it is damaged."""
    content = path.read_bytes()
    assert is_intact(path.name, content)
    return content


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows that a segment of scores holds."""
    rows: list[dict[str, Any]] = decode_rows(read_segment(path)).to_pylist()
    return rows
