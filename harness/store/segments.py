"""Segments: files that are written once, under a name of their own that carries the checksum of their content."""

from __future__ import annotations

import hashlib
import re
from secrets import token_hex

_NAME = re.compile(r"[0-9a-f]{12}\.[0-9a-f]{16}\.[a-z]+")


class DamagedFile(OSError):
    """A file's content does not have the checksum that its name carries."""


def checksum(content: bytes) -> str:
    """BLAKE2b of 8 bytes, in hex."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def segment_name(suffix: str, content: bytes) -> str:
    """A new name ``<random>.<checksum><suffix>``; no two writers can collide, so no lock is needed."""
    return f"{token_hex(6)}.{checksum(content)}{suffix}"


def is_segment(name: str) -> bool:
    """Whether a file of this name never changes."""
    return _NAME.fullmatch(name) is not None


def is_intact(name: str, content: bytes) -> bool:
    """Whether a file of this name never changes, and this is all of what was written to it."""
    return is_segment(name) and name.split(".")[1] == checksum(content)


def verify_segment(name: str, content: bytes) -> bytes:
    """The content of a segment; raises `DamagedFile` where it does not match the checksum in the name."""
    if not is_intact(name, content):
        raise DamagedFile(f"{name} is damaged: its content does not match its checksum")
    return content
