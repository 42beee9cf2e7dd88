"""A console that writes text of a given width, for renderers whose result is a string."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

ASCII_REPLACEMENTS = str.maketrans(
    {
        "─": "-",
        "━": "=",
        "●": "o",
        "▲": "+",
        "▼": "-",
        "°": "o",
        "†": "#",
        "‡": "~",
        "±": "+",
        "·": "-",
        "–": "-",
        "…": ".",
        "↑": "^",
        "↓": "v",
        "µ": "u",
        "×": "x",
    }
)


def text_console(width: int, color: bool) -> Console:
    """A console of ``width`` cells a line, with ANSI styles where ``color``; the environment has no say."""
    return Console(
        file=StringIO(),
        width=max(width, 1),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        legacy_windows=False,
    )


def console_text(console: Console) -> str:
    """What was written so far."""
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def to_ascii(text: str) -> str:
    """``text`` for a terminal that shows no more than ASCII."""
    return text.translate(ASCII_REPLACEMENTS).encode("ascii", "replace").decode("ascii")
