"""Tables of text as spreadsheets and data frames write them: separated by commas, tabs or semicolons, in UTF-8 or UTF-16."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DELIMITERS = (",", "\t", ";", "|")


class TableError(ValueError):
    """A file is no such table; the message begins with ``FILE`` or ``FILE:LINE``."""


@dataclass(frozen=True)
class TableRow:
    """One row: the line that it ends in, its values by column, stripped, and whether it has more values than there are columns."""

    line: int
    values: dict[str, str]
    too_long: bool = False


def read_table(file: Path, required: Sequence[str]) -> list[TableRow]:
    """The rows of a table with a heading that has the ``required`` columns, in upper or lower case; raises `TableError`."""
    text = _text(file)
    heading = text.partition("\n")[0]
    known = [(delimiter, _columns(heading, delimiter)) for delimiter in DELIMITERS]
    chosen = next((delimiter for delimiter, columns in known if set(required) <= set(columns)), None)
    if chosen is None:
        columns = max((columns for _, columns in known), key=len)
        missing = next(name for name in required if name not in columns)
        raise TableError(f"{file}:1: there is no column {missing!r} (the columns are {', '.join(columns) or 'none'})")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True, skipinitialspace=True)
    try:
        columns = [name.strip().casefold() for name in next(reader)]
        rows = [
            TableRow(reader.line_num, dict(zip(columns, map(_stripped, values), strict=False)), any(map(str.strip, values[len(columns) :])))
            for values in reader
            if any(map(str.strip, values))
        ]
    except csv.Error as error:
        raise TableError(f"{file}:{reader.line_num}: cannot be read as CSV: {error}") from error
    if not rows:
        raise TableError(f"{file}: there are no rows")
    return [TableRow(row.line, {**dict.fromkeys(columns, ""), **row.values}, row.too_long) for row in rows]


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
        marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        text = content.decode("utf-16" if content.startswith(marks) else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        hint = ": save it as UTF-8" if isinstance(error, UnicodeDecodeError) else ""
        raise TableError(f"{file}: cannot be read as CSV: {error}{hint}") from error
    if "\0" in text:
        raise TableError(f"{file}: cannot be read as CSV: it holds null characters")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _columns(heading: str, delimiter: str) -> list[str]:
    try:
        return [name.strip().casefold() for name in next(csv.reader([heading], delimiter=delimiter, skipinitialspace=True), [])]
    except csv.Error:
        return []


def _stripped(value: str) -> str:
    return value.strip().strip("\ufeff\u200b").strip()
