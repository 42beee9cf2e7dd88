"""Places of the panels: pure arithmetic, in inches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import ceil, sqrt
from typing import NamedTuple

SIDE = 2.2
MIN_SHRINK = 0.65
MAX_WIDTH = 14.0
GAP = 0.14


class PanelPosition(NamedTuple):
    """The row and column of one panel."""

    row: int
    column: int


class GroupSpan(NamedTuple):
    """Neighbours of one group in one row, from column ``first`` to ``last``."""

    row: int
    first: int
    last: int
    name: str


def panel_size(height: int, width: int, abreast: int = 1) -> tuple[float, float]:
    """Width and height in inches of a panel that shows an image of ``height`` × ``width`` pixels.

    It has the image's shape, and much the same area whatever that is; it is made smaller, down to `MIN_SHRINK`, where that lets ``abreast``
    panels stand side by side.
    """
    stretch = sqrt(min(max(width / height, 1 / 16), 16))
    full = SIDE * stretch
    fitting = (MAX_WIDTH + GAP) / abreast - GAP
    used = min(full, fitting) if fitting >= MIN_SHRINK * full else full
    return used, used * height / width


def columns_per_row(panels: int, width: float) -> int:
    """Number of ``panels`` in a row: as few rows as fit in `MAX_WIDTH`, filled evenly."""
    fitting = max(1, int((MAX_WIDTH + GAP + 1e-6) // (width + GAP)))
    return ceil(panels / ceil(panels / fitting))


def panel_positions(groups: Sequence[str | None], per_row: int) -> list[PanelPosition]:
    """A cell for each panel in order; neighbours of one group are kept in one row where a row is long enough."""
    found: list[PanelPosition] = []
    row = column = 0
    for name, members in groupby(groups):
        count = len(list(members))
        if name is not None and column and column + count > per_row >= count:
            row, column = row + 1, 0
        for _ in range(count):
            if column == per_row:
                row, column = row + 1, 0
            found.append(PanelPosition(row, column))
            column += 1
    return found


def group_spans(places: Sequence[PanelPosition], groups: Sequence[str | None]) -> list[GroupSpan]:
    """Places of the groups: for each a run of columns in every row that has members of it."""
    found = []
    for (row, name), members in groupby(zip(places, groups, strict=True), key=lambda pair: (pair[0].row, pair[1])):
        taken = [place.column for place, _ in members]
        if name is not None:
            found.append(GroupSpan(row, taken[0], taken[-1], name))
    return found
