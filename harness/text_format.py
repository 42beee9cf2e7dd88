"""Counts, lists, lines and errors as text."""

from __future__ import annotations

import textwrap
import traceback
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

ARROWS = {"higher": "↑", "lower": "↓"}  # by which scores are better
HANGING_INDENT = 2
MAX_MESSAGE_LENGTH = 500  # characters of a message
MAX_TRACEBACK_LENGTH = 20_000
FRAMEWORK_FILES = (
    "site-packages/torch",
    "/harness/dispatch/",
    "/harness/meta/",
    "/harness/worker/",
    "/contextlib.py",
)  # files that are never the component's


def format_count(count: int, noun: str, plural: str | None = None) -> str:
    """``1 cell``, ``2 cells``, ``1,200 cells``; the plural if adding an s does not make it."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_some(names: Sequence[str], most: int = 6) -> str:
    """``a, b and 3 more``: the first ``most`` names."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def to_printable_line(text: object) -> str:
    """One line without control, formatting or undecodable characters, which a terminal might obey."""
    whole = "".join(" " if c.isspace() else c for c in str(text))
    shown = "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") else "\ufffd" for c in whole)
    return " ".join(shown.split())


def wrap_line(text: str, width: int | None) -> list[str]:
    """``text`` as lines of at most ``width`` characters, those after the first indented further; a word that is longer is left whole."""
    indent = " " * (len(text) - len(text.lstrip(" ")))
    line = indent + to_printable_line(text)
    if width is None:
        return [line]
    hanging = indent + " " * HANGING_INDENT
    return textwrap.wrap(line, max(width, 20), subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False) or [""]


def print_line(console: Console, text: str) -> None:
    """Print one line, broken between words on a terminal and whole elsewhere, with its indent and nothing that a terminal would obey."""
    for line in wrap_line(text, console.width if console.is_terminal else None):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def format_reason(error: BaseException) -> str:
    """One printable line: what was raised, its message, what was left changed, and the place in the component.

    An error whose ``message_is_enough`` (`harness.api.InputError`) is told without its type and place.
    """
    notes = [to_printable_line(note) for note in getattr(error, "__notes__", [])]
    if getattr(type(error), "message_is_enough", False) is True:
        return "; ".join([_error_message(error), *notes])
    return "; ".join([f"{type(error).__name__}: {_error_message(error)}{_component_location(error)}", *notes])


def format_traceback(error: BaseException) -> str:
    """The traceback as Python prints it; the end of it if it is long."""
    try:
        return "".join(traceback.format_exception(error))[-MAX_TRACEBACK_LENGTH:].replace("\x1b", "\ufffd")
    except BaseException:  # an exception may be as broken as what raised it
        return ""


def _error_message(error: BaseException) -> str:
    try:
        return to_printable_line(str(error)[:MAX_MESSAGE_LENGTH])[:MAX_MESSAGE_LENGTH] or "no message"
    except BaseException:
        return "its message cannot be had"


def _component_location(error: BaseException) -> str:
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if not any(part in code.co_filename for part in FRAMEWORK_FILES):
            place = f" ({code.co_filename.rsplit('/', 1)[-1]}:{line} in {code.co_name})"
    return place
