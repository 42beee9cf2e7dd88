"""Ranks that know direction, ties and what is undefined."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from harness.results.field_types import Bools, Floats

CHUNK_SIZE = 1 << 17  # numbers that fit into a cache, and are worked on at once
TIE_TOLERANCE = 1e-9
"""Neighbouring scores closer than this, relative to the larger, are tied: the order of a sum must not decide a rank."""


def varies(values: Floats) -> Bools:
    """Whether the values of each column of ``values`` (N, …) differ by more than the noise of floats, NaN left out."""
    greatest, least = np.fmax.reduce(values, axis=0, initial=-np.inf), np.fmin.reduce(values, axis=0, initial=np.inf)
    return np.asarray(greatest - least > TIE_TOLERANCE * np.maximum(np.abs(greatest), np.abs(least)))


def rank_scores(scores: Floats, sign: float = 1.0, axis: int = -1) -> Floats:
    """Ranks along ``axis``, 1 the best, ties averaged; NaN has no rank (NaN) and takes no place.

    ``sign`` is 1 if higher is better and -1 if lower is.
    """
    if scores.size == 0:
        return np.full(scores.shape, np.nan)
    worse = np.moveaxis(scores, axis, -1)
    ranked = np.empty(worse.shape)
    rows, into = worse.reshape(-1, worse.shape[-1]), ranked.reshape(-1, worse.shape[-1])

    def rank(part: NDArray[np.intp]) -> None:
        into[part[0] : part[-1] + 1] = _rank_rows(-sign * rows[part[0] : part[-1] + 1])

    run_in_chunks(rank, np.arange(len(rows)), rows.shape[1])
    return np.moveaxis(ranked, -1, axis)


def run_in_chunks(work: Callable[[NDArray[np.intp]], None], places: NDArray[np.intp], size: int) -> None:
    """Call ``work`` on runs of ``places``, each of which stands for ``size`` numbers, on all cores: NumPy's sorts let other threads run."""
    length = max(1, CHUNK_SIZE // max(size, 1))
    parts = [places[start : start + length] for start in range(0, len(places), length)]
    if len(parts) < 2:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, parts):
            pass


def _rank_rows(worse: Floats) -> Floats:
    """Ranks of each row of ``worse`` (R, K), 1 the least, ties averaged."""
    order = np.argsort(worse, axis=1)
    ascending = np.take_along_axis(worse, order, axis=1)
    size = np.abs(ascending)
    parted = np.diff(ascending, axis=1) > TIE_TOLERANCE * np.maximum(size[:, 1:], size[:, :-1])
    parted |= np.isnan(ascending[:, 1:])
    places = np.broadcast_to(np.arange(worse.shape[1], dtype=np.float64), worse.shape)
    first, last = places.copy(), places.copy()
    first[:, 1:] *= parted
    last[:, :-1] = np.where(parted, last[:, :-1], np.inf)
    first = np.maximum.accumulate(first, axis=1)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    average = (first + last) / 2 + 1
    average[np.isnan(ascending)] = np.nan
    ranks = np.empty(worse.shape)
    np.put_along_axis(ranks, order, average, axis=1)
    return ranks


def metric_ranks(scores: Floats, signs: Sequence[float]) -> Floats:
    """Ranks ``(…, E, M)`` over the E explainers of ``scores`` (…, E, M), each metric by its own sign."""
    return rank_scores(scores * np.asarray(signs, dtype=np.float64), axis=-2)
