"""Random numbers of a batch, each row's from its own stream: the same bits on every device.

They are made of `harness.api.philox`'s words by integer operations, and by conversions, sums and products, one at a time, which
IEEE 754 rounds alike everywhere: by no logarithm, whose last bit is not the same on all devices. Each number is a function of the
stream's key, the number of the draw, and its place in the draw. Rows may be of different draws: on a device many are as quick as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.api.philox import StreamKey, words_on_device, words_on_host

WORTH_A_THREAD = 2**17  # numbers: they take longer to draw than threads to start
AT_ONCE = 2**24  # numbers that a device makes at once (or one row of them): on the way each takes some hundred bytes
Draws = int | Sequence[int]  # the number of the draw, of all rows or of each
SEGMENT_BITS = 15  # the last digits of a float32, which do not count for the segment that it is in


def draw_uniform(keys: Sequence[StreamKey], draws: Draws, shape: Sequence[int], dtype: torch.dtype, device: torch.device | str) -> Tensor:
    """Uniform in [0, 1), ``(B, *shape)``: multiples of 2^-24 in float32, of 2^-53 in float64, and of what smaller types hold."""
    digits = 1 - round(math.log2(torch.finfo(dtype).eps))
    width = 32 if digits <= 32 else 64

    def write(pieces: NDArray[Any], numbers: NDArray[Any]) -> None:
        pieces >>= pieces.dtype.type(width - digits)
        numbers[:] = pieces
        numbers *= numbers.dtype.type(2.0**-digits)

    if _is_host(device):
        drawn = _by_row(keys, draws, math.prod(shape), width, np.float32 if width == 32 else np.float64, write).to(dtype)
    else:

        def make(pieces: Tensor) -> Tensor:
            numbers: Tensor = (pieces >> width - digits & 2**digits - 1).to(dtype) * 2.0**-digits
            return numbers

        drawn = _by_tensors(keys, draws, math.prod(shape), width, device, make)
    return drawn.reshape(len(keys), *shape)


def draw_normal(keys: Sequence[StreamKey], draws: Draws, shape: Sequence[int], dtype: torch.dtype, device: torch.device | str) -> Tensor:
    """Standard normal ``(B, *shape)``, at most 6.3 from 0, as float32 has it and then converted.

    By inversion: of 32 bits one is the sign and 31 are the probability, at which the distribution's inverse is interpolated: see `_lines`.
    """

    def write(pieces: NDArray[Any], numbers: NDArray[Any]) -> None:
        signs = pieces & np.uint32(2**31)
        pieces &= np.uint32(2**31 - 1)
        pieces |= np.uint32(1)
        numbers[:] = pieces.view(np.int32)
        lines = _lines().take(numbers.view(np.uint32) >> np.uint32(SEGMENT_BITS))
        numbers *= lines.imag
        numbers += lines.real
        numbers.view(np.uint32)[:] ^= signs

    if _is_host(device):
        drawn = _by_row(keys, draws, math.prod(shape), 32, np.float32, write)
    else:
        starts, slopes = _lines_on(torch.device(device))

        def make(pieces: Tensor) -> Tensor:
            places = (pieces & 2**31 - 1 | 1).to(torch.float32)
            segments = (places.view(torch.int32) >> SEGMENT_BITS).long()
            lower = places * slopes.take(segments) + starts.take(segments)
            return torch.where(pieces >> 31 & 1 == 1, -lower, lower)

        drawn = _by_tensors(keys, draws, math.prod(shape), 32, device, make)
    return drawn.reshape(len(keys), *shape).to(dtype)


def draw_permutation(keys: Sequence[StreamKey], draws: Draws, n: int, device: torch.device | str) -> Tensor:
    """A permutation of ``range(n)`` per row, ``(B, n)`` int64: the order of random numbers, of which equal ones stay as they are.

    These have 32 bits for up to 65 536 numbers, else 48: fewer than one in two permutations has a pair that is equal.
    """
    width, used = (32, 32) if n <= 2**16 else (64, 48)

    def write(pieces: NDArray[Any], order: NDArray[Any]) -> None:
        shifts = range(width - used, width, 16)  # NumPy sorts numbers of 16 bits by their digits, which is faster than by comparisons
        order[:] = np.lexsort([(pieces >> pieces.dtype.type(shift)).astype(np.uint16) for shift in shifts])

    if _is_host(device):
        return _by_row(keys, draws, n, width, np.int64, write)
    return _by_tensors(keys, draws, n, width, device, lambda pieces: (pieces >> width - used & 2**used - 1).argsort(dim=1, stable=True))


def _is_host(device: torch.device | str) -> bool:
    return torch.device(device).type == "cpu"


def _by_row(keys: Sequence[StreamKey], draws: Draws, count: int, width: int, dtype: type, write: Callable[..., None]) -> Tensor:
    """``(B, count)`` numbers, into each row of which ``write`` makes numbers of pieces of ``width`` bits while they are in the cache."""
    numbers: NDArray[Any] = np.empty((len(keys), count), dtype)
    of_rows = _of_rows(draws, len(keys))

    def fill(row: int) -> None:
        words = words_on_host(keys[row], of_rows[row], -(-count * width // 64)).astype("<u8", copy=False)
        write(words.view(f"<u{width // 8}")[:count], numbers[row])  # the lower half of a word first

    threads = min(torch.get_num_threads(), len(keys)) if numbers.size > WORTH_A_THREAD else 1
    if threads > 1:  # which NumPy's loops do not hinder
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(len(keys))))
    else:
        for row in range(len(keys)):
            fill(row)
    return torch.from_numpy(numbers)


def _by_tensors(
    keys: Sequence[StreamKey], draws: Draws, count: int, width: int, device: torch.device | str, make: Callable[[Tensor], Tensor]
) -> Tensor:
    """``(B, count)`` numbers that ``make`` makes of pieces: int64 whose lowest ``width`` bits are random, whatever is above."""
    of_rows, size = _of_rows(draws, len(keys)), max(1, AT_ONCE // max(1, count))
    made = []
    for start in range(0, max(1, len(keys)), size):
        rows = slice(start, start + size)
        words = words_on_device(keys[rows], of_rows[rows], -(-count * width // 64), device)
        made.append(make(words if width == 64 else torch.stack([words, words >> 32], dim=-1).flatten(1)[:, :count]))
    return made[0] if len(made) == 1 else torch.cat(made)


def _of_rows(draws: Draws, rows: int) -> Sequence[int]:
    return [draws] * rows if isinstance(draws, int) else draws


@cache
def _lines() -> NDArray[np.complex64]:
    """The lines by which the inverse of the normal distribution function is interpolated: real parts are starts, imaginary ones slopes.

    A probability of 31 bits, odd and in units of 2^-32, is a float32 whose exponent and first 8 digits are the place of its line: each
    octave has 256, so that lines are as near to the curve in its tail as in its middle (within 10^-6).
    """
    first, last = (int(np.float32(bound).view(np.uint32)) >> SEGMENT_BITS for bound in (1, 2**31))
    bounds = (np.arange(first, last + 1, dtype=np.uint32) << np.uint32(SEGMENT_BITS)).view(np.float32).astype(np.float64)
    curve = np.array([NormalDist().inv_cdf(bound / 2**32) for bound in bounds])
    curve = np.round(curve * 2**26) / 2**26  # lest the last bit of some machine's logarithm be seen in a slope
    slopes = np.append(np.diff(curve) / np.diff(bounds), 0)
    lines = np.zeros(last + 1, dtype=np.complex64)
    lines.real[first:], lines.imag[first:] = curve - slopes * bounds, slopes
    return lines


@cache
def _lines_on(device: torch.device) -> tuple[Tensor, Tensor]:
    """Starts and slopes."""
    with torch.inference_mode(False):
        lines = _lines()
        return torch.from_numpy(lines.real.copy()).to(device), torch.from_numpy(lines.imag.copy()).to(device)
