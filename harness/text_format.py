"""Counts and lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def format_count(count: int, noun: str, plural: str | None = None) -> str:
    """``1 cell``, ``2 cells``, ``1,200 cells``; the plural where adding an s does not make it."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_some(names: Sequence[str], most: int = 6) -> str:
    """``a, b and 3 more``: the first ``most`` names."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
