"""Names of files that are being written; what a writer that died left under one is removed when a store is pruned."""

from __future__ import annotations

import re
from secrets import token_hex

_NAME = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")


def temporary_name(name: str) -> str:
    """A new hidden name beside ``name``."""
    return f".{name}.{token_hex(6)}.tmp"


def is_temporary(name: str) -> bool:
    """Whether a file of this name is, or was, being written."""
    return _NAME.fullmatch(name) is not None
