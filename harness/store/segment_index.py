"""An index of the segments that may say something of some samples, for they never change: what each holds is found out once per process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.store.bounded_cache import BoundedCache

MOST_NOTED = 2**23  # samples noted in all, 8 bytes each
IdHashes = NDArray[np.int64]


class SegmentIndex:
    """The samples of the segments that were read last, by marks of their ids; if two ids share a mark, a segment too many is read.

    Without it every job of a column would read what all other jobs have left.
    """

    def __init__(self, most: int = MOST_NOTED) -> None:
        self._noted: BoundedCache[IdHashes] = BoundedCache(most)

    def note(self, segment: str, ids: Iterable[str]) -> None:
        """Say what a segment holds; if there is too much, what was used longest ago is forgotten."""
        self._noted.put(segment, hash_ids(ids))

    def worth_reading(self, segments: Sequence[str], wanted: IdHashes) -> list[str]:
        """Those that may hold any of the samples with these marks, in their order; what nothing is noted of may."""
        return [segment for segment in segments if self._may_have(segment, wanted)]

    def _may_have(self, segment: str, wanted: IdHashes) -> bool:
        held = self._noted.get(segment)
        if held is None:
            return True
        if not len(held) or not len(wanted) or held[0] > wanted[-1] or wanted[0] > held[-1]:
            return False
        few, many = (held, wanted) if len(held) < len(wanted) else (wanted, held)
        places = np.searchsorted(many, few)
        return bool((many[np.minimum(places, len(many) - 1)] == few).any())


def hash_ids(ids: Iterable[str]) -> IdHashes:
    """A number for each id, sorted and each once; the same within one process."""
    return np.unique(np.fromiter(map(hash, ids), dtype=np.int64))
