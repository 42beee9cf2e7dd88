"""Segments as files of this machine, past the store."""

from __future__ import annotations

from pathlib import Path

from harness.store.atomic import write_atomically
from harness.store.segments import segment_name, verify_segment


def write_segment(folder: Path, suffix: str, content: bytes) -> Path:
    """A new segment in a folder."""
    path = folder / segment_name(suffix, content)
    write_atomically(path, content)
    return path


def read_segment(path: Path) -> bytes:
    """Its content; raises where it is damaged."""
    return verify_segment(path.name, path.read_bytes())
