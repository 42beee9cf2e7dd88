"""Leaderboards where a person is: a notebook, or a terminal."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.results.document import Leaderboard, PairEntry

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


@dataclass(frozen=True, repr=False)
class DisplayedPair(Showable):
    """Two explainers side by side: in a notebook, printed, and as a data frame.

    Attributes:
        document: the leaderboard, with the pair on every data set and model that has both.
    """

    document: Leaderboard

    @property
    def entries(self) -> list[PairEntry]:
        """The comparisons, one for each data set and model."""
        return self.document.pairs

    def table(self) -> pd.DataFrame:
        """A pandas data frame with one line per data set, model and metric; raises ``ImportError`` if pandas is not installed."""
        from harness.leaderboard.data_frames import pairs_frame

        return pairs_frame(self.document)

    def __str__(self) -> str:
        return terminal_text(self.document, pairs=True)

    def __repr__(self) -> str:
        return f"<{self.entries[0].first} minus {self.entries[0].second}: {', '.join(f'{e.dataset} · {e.model}' for e in self.entries)}>"

    def _repr_html_(self) -> str:
        from harness.leaderboard.formats.html_page import render_html
        from harness.leaderboard.sections.all_sections import View

        return render_html(self.document, View(pairs=True))


def terminal_text(document: Leaderboard, *, pairs: bool = False) -> str:
    """The leaderboard, or its pairs, as wide as the terminal; without colours, for ``print``."""
    from harness.leaderboard.render import render_leaderboard

    return render_leaderboard(document, "terminal", width=shutil.get_terminal_size((100, 24)).columns, pairs=pairs).rstrip("\n")


def _in_notebook() -> bool:
    """Whether a kernel shows what is displayed; IPython on a terminal prints."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and getattr(shell, "kernel", None) is not None
