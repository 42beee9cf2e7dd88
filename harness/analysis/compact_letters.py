"""The compact letter display: letters that say which rows of a table do not differ (Piepho 2004, JCGS 13:456-466)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.results.field_types import Bools

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def compact_letters(order: Sequence[int], differ: Bools) -> list[list[int]]:
    """Rows of each letter: two rows share one if and only if they do not differ.

    ``order`` are the rows as the table has them, and ``differ`` (E, E), symmetric, is of all rows. Letters and the rows of each follow the
    order. Insert and absorb would list every maximal set of alike rows, of which there can be exponentially many; here such sets are
    chosen until each pair is in one (Gramm et al. 2008, CSDA 52:725-736), and those that others make needless are dropped.
    """
    alike = ~differ[np.ix_(order, order)]
    np.fill_diagonal(alike, True)
    sharing = np.zeros(alike.shape, dtype=np.intp)
    letters: list[list[int]] = []
    for pair in np.argwhere(np.triu(alike)):
        if not sharing[tuple(pair)]:
            rows = _extended(sorted(set(pair.tolist())), alike, sharing)
            letters.append(rows)
            sharing[np.ix_(rows, rows)] += 1
    for rows in sorted(letters, key=len):
        block = np.ix_(rows, rows)
        if (sharing[block] > 1).all():
            sharing[block] -= 1
            letters.remove(rows)
    return [[order[place] for place in rows] for rows in sorted(letters)]


def name_letters(groups: Sequence[Sequence[int]], chosen: Sequence[int] | NDArray[np.intp]) -> dict[int, str]:
    """The letters of each of the ``chosen`` rows, of which ``groups`` hold the places: a … z, A … Z, then dots."""
    letters = ALPHABET.ljust(len(groups), "·")
    found: dict[int, str] = {}
    for letter, members in zip(letters, groups, strict=False):
        for k in members:
            found[int(chosen[k])] = found.get(int(chosen[k]), "") + letter
    return found


def _extended(rows: list[int], alike: Bools, sharing: NDArray[np.intp]) -> list[int]:
    """As many rows as can be added so that all are alike: first the one that is in most pairs that share no letter yet."""
    found = list(rows)
    while fit := [row for row in np.flatnonzero(alike[:, found].all(axis=1)).tolist() if row not in found]:
        missing = (sharing[np.ix_(fit, found)] == 0).sum(axis=1)
        found.append(fit[int(np.argmax(missing))])
    return sorted(found)
