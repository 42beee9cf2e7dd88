"""Leaderboards where a person is: a notebook, or a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from harness.results.document import Leaderboard

if TYPE_CHECKING:
    import pandas as pd


class Showable:
    """An object that shows itself where a person is; it has a ``__str__``, and a ``_repr_html_`` for notebooks."""

    def show(self) -> None:
        """Show it: as a table in a notebook, else on the terminal."""
        if _in_notebook():
            from IPython.display import display

            display(self)
        else:
            print(self)


class DisplayedLeaderboard(Leaderboard, Showable):
    """A leaderboard that shows itself: in a notebook, printed, and as a data frame."""

    @classmethod
    def of(cls, document: Leaderboard) -> DisplayedLeaderboard:
        """The same leaderboard."""
        return cls.model_construct(**dict(document))

    def table(self, cells: bool = False) -> pd.DataFrame:
        """A pandas data frame with one line per data set, model and explainer, or with ``cells`` one per metric too.

        Raises ``ImportError`` if pandas is not installed.
        """
        from harness.leaderboard.data_frames import cells_frame, ranks_frame

        return cells_frame(self) if cells else ranks_frame(self)

    def __str__(self) -> str:
        return terminal_text(self)

    def _repr_html_(self) -> str:
        from harness.leaderboard.formats.html_page import render_html
        from harness.leaderboard.sections.all_sections import View

        return render_html(self, View())


def terminal_text(document: Leaderboard) -> str:
    """The leaderboard as wide as the terminal; without colours, for ``print``."""
    from harness.leaderboard.render import render_leaderboard

    return render_leaderboard(document, "terminal", width=shutil.get_terminal_size((100, 24)).columns).rstrip("\n")


def _in_notebook() -> bool:
    """Whether a kernel shows what is displayed; IPython on a terminal prints."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and getattr(shell, "kernel", None) is not None
