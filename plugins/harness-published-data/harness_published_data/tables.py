"""Tables of text that come with data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.api import InputError
from harness.api.image_files.tables import TableError, read_table


def rows_of(file: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a table with a heading, by column in lower case; raises ``ValueError`` that names the file, and the line if it is one."""
    try:
        return [row.values for row in read_table(file, columns)]
    except TableError as fault:
        raise InputError(f"root: {fault}") from fault


def lines_of(file: Path) -> list[str]:
    """Lines of a text that are not empty, stripped; raises ``ValueError`` that names the file."""
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"root: {file} cannot be read: {error}") from error
