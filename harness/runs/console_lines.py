"""Lines for a person: on a terminal broken between words under a hanging indent, elsewhere whole, so that they can be searched."""

from __future__ import annotations

import textwrap

from rich.console import Console

from harness.text_format import to_printable_line

HANGING_INDENT = 2


def print_line(console: Console, text: str) -> None:
    """Print one line, what it is indented by kept, and nothing in it that a terminal would obey."""
    for line in wrap_line(text, console.width if console.is_terminal else None):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def wrap_line(text: str, width: int | None) -> list[str]:
    """``text`` as lines of at most ``width`` characters, those after the first indented further; a word that is longer is left whole."""
    indent = " " * (len(text) - len(text.lstrip(" ")))
    line = indent + to_printable_line(text)
    if width is None:
        return [line]
    hanging = indent + " " * HANGING_INDENT
    return textwrap.wrap(line, max(width, 20), subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False) or [""]
