"""A digest of arrays that noise in their last bits does not change, and that a real change always does.

Values computed in floating point differ in their last bits between processors, libraries and numbers of threads. Values that are rounded
are no way out: some always lie where noise rounds them up here and down there. So the cells that values are sorted into are moved, for
each block of values, to where no value is near a border, and how far they were moved stands in the digest: a *hint*, by which others
sort the values in the same way.

Images whose values are levels of 8 or 16 bit, as most are, need none of it: they are known by their levels, every single one of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BIN_WIDTH = 256 / 65535
"""Width of a cell of images: less than one level of 8 bit (257 / 65535), so that a value changed by one is always in another."""
BLOCK_SIZE = (
    8192  # values that are moved together: the widest gap between so many leaves 2e-6 to either side, where it is CELL that is divided
)
DEFAULT_SHIFT = 0.5 / 256  # of a cell: half a level of 16 bit
BORDER_MARGIN = 2e-6 / BIN_WIDTH  # of a cell: values that are nearer to a border have their cells moved
HINT_BITS = 16  # bits of a hint
NAN_BIN = -(2.0**31)  # the cell of NaN; infinite values and those too far away have the ones next to the ends
MAX_LEVEL = 65535  # of 16 bit, of which those of 8 bit are every 257th
LEVEL_TOLERANCE = 0.25  # of a level: as far as noise takes a value from its own
Floats = NDArray[np.float64]


def encode_levels(values: NDArray[np.floating]) -> bytes | None:
    """Shape and 16-bit levels of values that are such levels but for noise; None if any is not."""
    places = np.asarray(values, dtype=np.float64) * MAX_LEVEL
    whole = np.rint(places)
    with np.errstate(invalid="ignore"):  # infinite values
        near = np.abs(places - whole) < LEVEL_TOLERANCE
    if not near.all() or np.abs(whole).max(initial=0) > 2**30:
        return None
    return repr(whole.shape).encode() + bytes(whole.astype("<i4").tobytes())


@dataclass(frozen=True)
class BinnedArray:
    """Values of one array and the width of the cells that they are sorted into."""

    values: NDArray[np.floating]
    cell: float = BIN_WIDTH

    def hint(self) -> str:
        """Shifts of the cells of each block, as hexadecimals; empty if they are not moved."""
        places = self._scaled()
        with np.errstate(invalid="ignore"):  # infinite values have no place
            places -= np.floor(places)
        close = _circular_distance(places, DEFAULT_SHIFT) < BORDER_MARGIN
        if not close.any():
            return ""
        return "".join(f"{_best_shift(places[block]) if close[block].any() else 0:04x}" for block in _block_slices(len(places)))

    def encode_with_hint(self, hint: str) -> bytes:
        """Shape and cells of all values; raises ``ValueError`` for a hint of other values."""
        scaled = self._scaled()
        if not hint:
            scaled -= DEFAULT_SHIFT
        else:
            moves = [int(hint[at : at + 4], 16) for at in range(0, len(hint), 4)]
            for block, move in zip(_block_slices(len(scaled)), moves, strict=True):
                scaled[block] -= move / 2**HINT_BITS if move else DEFAULT_SHIFT
        cells = np.nan_to_num(np.floor(scaled), copy=False, nan=NAN_BIN, posinf=-NAN_BIN - 1, neginf=NAN_BIN + 1)
        whole = np.clip(cells, NAN_BIN, -NAN_BIN - 1).astype("<i4")
        return repr(self.values.shape).encode() + bytes(whole.tobytes())

    def _scaled(self) -> Floats:
        """``(N,)`` the values in cells, an array of their own."""
        return np.asarray(self.values, dtype=np.float64).reshape(-1) / self.cell


def _block_slices(size: int) -> list[slice]:
    return [slice(at, min(at + BLOCK_SIZE, size)) for at in range(0, size, BLOCK_SIZE)]


def digest_arrays(label: bytes, parts: list[BinnedArray | None]) -> str:
    """SHA-256 (hex) over what is exact and over arrays, followed by the hints, each after a dot, if there are any."""
    hints = ["" if part is None else part.hint() for part in parts]
    return _digest_with_hints(label, parts, hints)


def matches_digest(known: str, label: bytes, parts: list[BinnedArray | None]) -> bool:
    """Whether ``known`` is the digest of these, but for noise: values are sorted as its hints say."""
    hints = known.split(".")[1:] or [""] * len(parts)
    try:
        return _digest_with_hints(label, parts, hints) == known
    except ValueError:  # hints of other arrays
        return False


def _digest_with_hints(label: bytes, parts: list[BinnedArray | None], hints: list[str]) -> str:
    whole = hashlib.sha256(label)
    for part, hint in zip(parts, hints, strict=True):
        whole.update(b"none" if part is None else part.encode_with_hint(hint))
    return ".".join([whole.hexdigest(), *(hints if any(hints) else [])])


def _best_shift(places: Floats) -> int:
    """Where borders best stand between the places that values have in their cells, in parts of a cell."""
    places = np.sort(places[np.isfinite(places)])
    gaps = np.diff(places, append=places[0] + 1)
    widest = int(np.argmax(gaps))
    start, width = float(places[widest]), float(gaps[widest])
    return _shortest_binary_fraction(start + width / 4, start + 3 * width / 4)


def _circular_distance(places: Floats, border: float) -> Floats:
    apart: Floats = np.abs(places - border)
    return np.minimum(apart, 1 - apart)


def _shortest_binary_fraction(low: float, high: float) -> int:
    """The number of the fewest binary digits in an interval within [0, 2], wrapped into a cell: noise in the ends seldom changes it."""
    for bits in range(1, HINT_BITS + 1):
        found = int(np.ceil(low * 2**bits))
        if found <= high * 2**bits:
            return (found << (HINT_BITS - bits)) % 2**HINT_BITS or 1
    return round((low + high) / 2 * 2**HINT_BITS) % 2**HINT_BITS or 1
