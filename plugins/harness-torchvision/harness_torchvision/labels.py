"""Labels as people and tables write them: numbers, or names."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_MISSING = frozenset({"", "nan", "<na>", "nat", "n/a", "#n/a"})
_MISSING_NUMBER = frozenset({"none", "null", "na", "-", "?"})
LARGEST = 10**9


def number(label: str) -> Decimal | None:
    """The number that a label is, in any notation (``10``, ``10.0``, ``1e1``); None where it is none."""
    return Decimal(label) if _NUMBER.fullmatch(label) else None


def is_missing(label: str, among_numbers: bool = False) -> bool:
    """Whether a label is how tables write that there is none; ``None`` and its like are that only among numbers."""
    folded = label.casefold()
    return folded in _MISSING or (among_numbers and folded in _MISSING_NUMBER)


def index_of(label: str) -> int:
    """The class that a number is; raises ``ValueError`` that says why it is none."""
    value = number(label)
    if value is None:
        raise ValueError(f"the label {label!r} is no number")
    if value < 0:
        raise ValueError(f"the label {label} is negative: classes count from 0")
    if value > LARGEST or value != value.to_integral_value():
        raise ValueError(f"the label {label} is no whole number of a class")
    return int(value)
