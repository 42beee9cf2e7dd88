"""Numbers of bytes as people write them: ``500M``, ``20G``."""

from __future__ import annotations

import math
import re

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
SIZE_PATTERN = r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([kKmMgGtT]?)B?\s*$"


def parse_size(text: str) -> int:
    """``"2G"`` → 2000000000; raises ``ValueError`` for a text that is no size."""
    match = re.match(SIZE_PATTERN, text, re.ASCII)
    if match is None or math.isinf(size := float(match[1]) * UNITS[match[2].upper()]):
        raise ValueError(f"{text!r} is not a size such as 500M or 20G")
    return round(size)


def format_size(size: int) -> str:
    """``2000000000`` → ``"2G"``: the largest unit of which it is a whole number."""
    unit = next(unit for unit in reversed(UNITS) if size % UNITS[unit] == 0) if size else ""
    return f"{size // UNITS[unit]}{unit}"
