"""File names that a person can read, and that every file system takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import count

MAX_LENGTH = 60
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
"""Names that Windows takes for devices, also with an ending."""


def to_file_name(name: str) -> str:
    """``name`` in ASCII letters, digits and ``-_.+``; empty where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._+]", "-", plain)).strip("-. ")[:MAX_LENGTH].rstrip("-. ")
    stem, dot, ending = safe.partition(".")
    return f"{stem}_{dot}{ending}" if stem.lower() in RESERVED else safe


def to_folder_name(name: str) -> str:
    """``name`` as the name of a file or a folder, in the letters of any language."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".") or "run"


def file_names(names: Iterable[str], otherwise: str) -> dict[str, str]:
    """A file name for each of ``names``, no two alike on a file system that knows no case; ``otherwise`` stands for what is unreadable.

    A name that is taken is followed by a number: those that are readable as they are come first, the others in their order.
    """
    given = list(dict.fromkeys(names))
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in given:
        if to_file_name(name) == name and name.lower() not in taken:
            taken.add(name.lower())
            found[name] = name
    for name in given:
        if name not in found:
            base = to_file_name(name) or otherwise
            free = next(free for number in count(1) if (free := base if number == 1 else f"{base}-{number}").lower() not in taken)
            taken.add(free.lower())
            found[name] = free
    return found
