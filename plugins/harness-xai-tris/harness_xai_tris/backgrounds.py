"""Backgrounds of tetrominoes: white or correlated noise, or pictures; each of a mean sum of squares of 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from harness_xai_tris.tetrominoes import Size

BackgroundKind = Literal["white", "correlated", "image"]
Background = NDArray[np.float64]
Backgrounds = Callable[[np.random.Generator], Background]

CORRELATION: dict[Size, float] = {8: 3.0, 64: 10.0}
"""The σ of the Gaussian that correlates noise, in pixels."""
SPREAD = 6.0
"""Images have room for backgrounds of so many standard deviations on either side of the mean."""
LARGEST, SMALLEST = 0.6, 0.04
"""Radii of discs in a picture of dead leaves, as shares of its side."""
DRAWN, UNCOVERED = 32, 0.001
"""Pixels a side at which such a picture is drawn at least, and the share of it that may stay grey."""
FAINTEST = 1e-9
"""The norm up to which a picture is rounding alone, of equal pixels."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


def drawn_by(kind: BackgroundKind, size: Size, images: Path | None) -> Backgrounds:
    """Draws a background ``(size, size)`` from a generator; a picture comes from a folder, or is made where there is none."""
    if kind == "white":
        return lambda generator: generator.standard_normal((size, size)) / size
    if kind == "correlated":
        return lambda generator: smoothing(size) @ generator.standard_normal((size, size)) @ smoothing(size).T / correlated_norm(size)
    if images is None:
        return lambda generator: _centred(dead_leaves(size, generator))
    files = picture_files(images)
    return lambda generator: _centred(_picture(files[generator.integers(len(files))], size))


@cache
def smoothing(size: Size) -> Background:
    """The matrix ``(size, size)`` that smooths along one side, mirrored at the borders: noise ``z`` becomes ``M z Mᵀ``."""
    return np.asarray(ndimage.gaussian_filter1d(np.eye(size), CORRELATION[size], axis=0))


@cache
def correlated_norm(size: Size) -> float:
    """The root of the mean sum of squares of smoothed noise of variance 1: tr(M Mᵀ), of a side, squared and rooted."""
    return float(np.trace(smoothing(size) @ smoothing(size).T))


def deviation(kind: BackgroundKind, size: Size) -> float:
    """The greatest standard deviation of a pixel; of pictures the mean one."""
    if kind != "correlated":
        return 1 / size
    matrix = smoothing(size)
    return float((matrix @ matrix.T).diagonal().max() / correlated_norm(size))


def dead_leaves(size: Size, generator: np.random.Generator) -> Background:
    """Discs that hide one another, of even greys and of radii r with a density as r⁻³: edges and spectra as photographs have them.

    After Lee, Mumford and Huang (2001, doi:10.1023/A:1011109015675). Drawn from the front at `DRAWN` pixels or more, until next to all is
    covered, and brought to size by means.
    """
    side = max(size, DRAWN)
    picture, uncovered = np.full((side, side), 0.5), np.ones((side, side), dtype=bool)
    left = side * side
    smallest, largest = (SMALLEST * side) ** -2, (LARGEST * side) ** -2
    while left > UNCOVERED * side * side:
        radius = (smallest + generator.random() * (largest - smallest)) ** -0.5
        centre = generator.random(2) * (side + 2 * radius) - radius
        grey = generator.random()
        rows, columns = (np.arange(max(math.ceil(at - radius), 0), min(math.floor(at + radius) + 1, side)) for at in centre)
        window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) and len(columns) else None
        if window is None:
            continue
        disc = uncovered[window] & ((rows[:, None] - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2)
        picture[window][disc] = grey
        uncovered[window][disc] = False
        left -= int(disc.sum())
    block = side // size
    return picture.reshape(size, block, size, block).mean((1, 3))


def picture_files(folder: Path) -> list[Path]:
    """Pictures below a folder, by name. Raises ``ValueError`` where there is none."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"images: no picture ({', '.join(SUFFIXES)}) below {folder}")
    return files


def _picture(path: Path, size: Size) -> Background:
    """Its brightness, the middle square of it at the size asked for."""
    with Image.open(path) as opened:
        grey = opened.convert("L")
    side = min(grey.size)
    left, top = (grey.width - side) // 2, (grey.height - side) // 2
    square = grey.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    return np.asarray(square, dtype=np.float64) / 255


def _centred(picture: Background) -> Background:
    """Of mean 0 and a sum of squares of 1; 0 where all pixels are equal."""
    centred = picture - picture.mean()
    norm = float(np.linalg.norm(centred))
    return centred / norm if norm > FAINTEST else np.zeros_like(centred)
