"""Images made of tetromino and background, and the values they have."""

from __future__ import annotations

import numpy as np

from harness_xai_tris.backgrounds import SPREAD, Background, BackgroundKind, deviation
from harness_xai_tris.tetrominoes import Pattern, Scenario, Size, both, energy

LEVELS = 2**8 - 1
"""Images have 8 bits: rounding is the only noise in the directions that correlated noise leaves out (the paper's have float16's 11)."""
SHARES: dict[tuple[Size, Scenario], dict[BackgroundKind, float]] = {
    (8, "linear"): {"white": 0.18, "correlated": 0.0125, "image": 0.15},
    (8, "multiplicative"): {"white": 0.7, "correlated": 0.1, "image": 0.3},
    (8, "translations-rotations"): {"white": 0.65, "correlated": 0.2, "image": 0.5},
    (8, "xor"): {"white": 0.35, "correlated": 0.15, "image": 0.25},
    (64, "linear"): {"white": 0.03, "correlated": 0.02, "image": 0.06},
    (64, "multiplicative"): {"white": 0.2, "correlated": 0.65, "image": 0.2},
    (64, "translations-rotations"): {"white": 0.575, "correlated": 0.375, "image": 0.03},
    (64, "xor"): {"white": 0.35, "correlated": 0.15, "image": 0.13},
}
"""The α of the paper's configuration, which lets its networks be right on 80 % or more."""


def mixed(scenario: Scenario, pattern: Pattern, background: Background, share: float, size: Size) -> Background:
    """α s + (1 − α) b, both of a mean sum of squares of 1; in the scenario ``multiplicative`` (1 − α s) b."""
    if scenario == "multiplicative":
        return (1 - share * pattern) * background
    return share * pattern / np.sqrt(energy(scenario, size)) + (1 - share) * background


def bound(scenario: Scenario, kind: BackgroundKind, share: float, size: Size) -> float:
    """The greatest |x| that an image has room for: `SPREAD` deviations of the background and all of a tetromino."""
    spread = SPREAD * deviation(kind, size)
    if scenario == "multiplicative":
        return spread
    return (1 - share) * spread + share * float(both(size).max()) / float(np.sqrt(energy(scenario, size)))


def as_image(values: Background, greatest: float) -> Background:
    """In [0, 1], 0 becoming the middle, in `LEVELS`; what is beyond is cut off (of white noise one value in 5 · 10⁸)."""
    return np.rint(np.clip(0.5 + values / (2 * greatest), 0, 1) * LEVELS) / LEVELS
