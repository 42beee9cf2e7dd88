"""The two tetrominoes that make the classes, and where they lie in an image."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Scenario = Literal["linear", "multiplicative", "translations-rotations", "xor"]
Size = Literal[8, 64]
Pattern = NDArray[np.float64]

T = np.array([[1, 0], [1, 1], [1, 0]], dtype=np.float64)
L = np.array([[1, 0], [1, 0], [1, 1]], dtype=np.float64)
PLACES = ((1, 1), (4, 5))
"""Top left corners of T and of L in an image of 8 × 8 where they do not move."""
SMOOTHING, SMOOTHED_FROM = 1.5, 4
"""The σ under which tetrominoes of at least so many pixels a block end softly."""
VISIBLE = 0.05
"""The share of a tetromino's brightness from which on a pixel belongs to it."""
SIGNS = ((1, 1), (1, -1), (-1, -1), (-1, 1))
"""Of T and L in the scenario ``xor``; samples take turns, so that the classes alternate and each pair is as frequent."""


def pattern(scenario: Scenario, size: Size, index: int, generator: np.random.Generator) -> Pattern:
    """What sample ``index`` carries, ``(size, size)``; its class is ``index % 2``. Only tetrominoes that move are drawn."""
    if scenario == "xor":
        first, second = SIGNS[index % len(SIGNS)]
        return first * fixed(T, 0, size) + second * fixed(L, 1, size)
    number = index % 2
    if scenario == "translations-rotations":
        return _moved((T, L)[number], size, generator)
    return fixed((T, L)[number], number, size)


def evidence(scenario: Scenario, size: Size, own: Pattern) -> NDArray[np.bool_]:
    """The pixels whose values depend on the class: the places of both tetrominoes if these are fixed, since one that is absent tells
    as much as one that is there, and else the tetromino's own."""
    return own >= VISIBLE if scenario == "translations-rotations" else both(size) >= VISIBLE


@cache
def both(size: Size) -> Pattern:
    """T and L at their fixed places."""
    return fixed(T, 0, size) + fixed(L, 1, size)


def fixed(shape: Pattern, place: int, size: Size) -> Pattern:
    """A tetromino at its place."""
    block = size // 8
    return _drawn(shape, block, tuple(block * offset for offset in PLACES[place]), size)


@cache
def energy(scenario: Scenario, size: Size) -> float:
    """The mean over samples of a pattern's sum of squares, but for those that move and touch the border."""
    if scenario == "xor":
        return float((both(size) ** 2).sum())
    middle = size // 8 * 2
    drawn = [
        _drawn(shape, _moving_block(size), (middle, middle), size) if scenario == "translations-rotations" else fixed(shape, place, size)
        for place, shape in enumerate((T, L))
    ]
    return float(np.mean([(own**2).sum() for own in drawn]))


def _moved(shape: Pattern, size: Size, generator: np.random.Generator) -> Pattern:
    """A tetromino turned by a multiple of 90° at any place, all equally likely."""
    turned = np.rot90(shape, generator.integers(4))
    block = _moving_block(size)
    row, column = (int(generator.integers(size - block * side + 1)) for side in turned.shape)
    return _drawn(turned, block, (row, column), size)


def _moving_block(size: Size) -> int:
    """Pixels a side of the squares that moving tetrominoes are made of: half as large as fixed ones in 64 × 64."""
    return 1 if size == 8 else 4


def _drawn(shape: Pattern, block: int, corner: tuple[int, ...], size: Size) -> Pattern:
    enlarged = np.kron(shape, np.ones((block, block)))
    canvas = np.zeros((size, size))
    canvas[corner[0] : corner[0] + enlarged.shape[0], corner[1] : corner[1] + enlarged.shape[1]] = enlarged
    return canvas if block < SMOOTHED_FROM else np.asarray(ndimage.gaussian_filter(canvas, SMOOTHING))
