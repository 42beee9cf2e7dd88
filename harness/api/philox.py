"""Philox4x64-10: random words that are a function of a key and a counter,
after Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2, 3").

On the CPU NumPy's own generator makes them, elsewhere integer operations of tensors do: the same bits, since Philox is all integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.api.transfer import sent

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
INCREMENTS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)  # of the key from round to round
LOW = 2**32 - 1

StreamKey = tuple[int, int]  # two words of 64 bits


def words_on_host(key: StreamKey, draw: int, count: int) -> NDArray[np.uint64]:
    """The first ``count`` words of a stream's draw: blocks 1, 2, … of four words each, whose counter is (block, draw, 0, 0)."""
    counter = np.array([0, draw, 0, 0], dtype=np.uint64)  # NumPy counts before it draws
    found: NDArray[np.uint64] = np.random.Philox(counter=counter, key=np.array(key, dtype=np.uint64)).random_raw(count)
    return found


def words_on_device(keys: Sequence[StreamKey], draw: int, count: int, device: torch.device | str) -> Tensor:
    """The same words of several streams, ``(B, count)`` int64 that hold the 64 bits; only keys and constants come from the host."""
    blocks = -(-count // 4)
    counter = torch.zeros(4, len(keys), blocks, dtype=torch.int64, device=device)
    counter[0] = torch.arange(1, blocks + 1, device=device)
    counter[1] = draw
    key = signed([[first for first, _ in keys], [second for _, second in keys]], device)[:, :, None]
    return philox(counter, key).movedim(0, -1).reshape(len(keys), -1)[:, :count]


def philox(counter: Tensor, key: Tensor) -> Tensor:
    """The blocks of counters ``(4, *shape)`` under keys ``(2, *shape)`` (broadcast), all int64 that hold 64 bits: ``(4, *shape)``."""
    column = (2, *(1 for _ in counter.shape[1:]))
    factors, increments, low, high = (constant.view(column) for constant in _constants(counter.device))
    even, odd = counter[0::2], counter[1::2]
    for _ in range(ROUNDS):
        crossed = (even * factors).flip(0)
        even, odd = _high_product(even, low, high).flip(0) ^ odd ^ key, crossed
        key = key + increments
    return torch.stack([even[0], odd[0], even[1], odd[1]])


def signed(words: list[int] | list[list[int]], device: torch.device | str) -> Tensor:
    """Words of 64 bits as int64 with the same bits."""
    return sent(torch.from_numpy(np.array(words, dtype=np.uint64).view(np.int64)), device)


@cache
def _constants(device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``(2,)`` each: factors, increments, and the lower and the upper halves of the factors."""
    with torch.inference_mode(False):
        factors, increments = signed(list(MULTIPLIERS), device), signed(list(INCREMENTS), device)
        return factors, increments, factors & LOW, _upper(factors)


def _upper(words: Tensor) -> Tensor:
    """The upper 32 bits as numbers: shifts of int64 copy the sign."""
    return (words >> 32) & LOW


def _high_product(words: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The upper 64 bits of ``words`` times a constant with halves ``low`` and ``high``, all unsigned: no sum here exceeds 64 bits."""
    lower, upper = words & LOW, _upper(words)
    middle = upper * low + _upper(lower * low)
    return upper * high + _upper(middle) + _upper(lower * high + (middle & LOW))
