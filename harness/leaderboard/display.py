"""Leaderboards where a person is: a notebook, or a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import Protocol

from harness.leaderboard.document import Leaderboard


class HtmlDisplayable(Protocol):
    """What a notebook can show."""

    def _repr_html_(self) -> str: ...


def display_or_print(thing: HtmlDisplayable) -> None:
    """Display ``thing`` in a notebook, print it elsewhere."""
    if _in_notebook():
        from IPython.display import display

        display(thing)
    else:
        print(thing)


def terminal_text(document: Leaderboard) -> str:
    """The leaderboard as wide as the terminal; without colours, for ``print``."""
    from harness.leaderboard.render import render_leaderboard

    return render_leaderboard(document, "terminal", width=shutil.get_terminal_size((100, 24)).columns).rstrip("\n")


def _in_notebook() -> bool:
    """Whether a kernel shows what is displayed; IPython on a terminal prints."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and getattr(shell, "kernel", None) is not None
