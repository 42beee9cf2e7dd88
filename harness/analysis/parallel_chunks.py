"""Large arrays, worked on part by part: what fits into a cache, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

CHUNK_SIZE = 1 << 17
"""Numbers of one part."""


def run_in_chunks(work: Callable[[NDArray[np.intp]], None], places: NDArray[np.intp], size: int) -> None:
    """Call ``work`` on runs of ``places``, each of which stands for ``size`` numbers. NumPy's sorts and sums let other threads run."""
    length = max(1, CHUNK_SIZE // max(size, 1))
    parts = [places[start : start + length] for start in range(0, len(places), length)]
    if len(parts) < 2:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, parts):
            pass
