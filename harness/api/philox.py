"""Philox4x64-10: random words that are a function of a key and a counter,
after Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2, 3").

On the CPU NumPy's own generator makes them, elsewhere integer operations of tensors do: the same bits, since Philox is all integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

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


def words_on_device(keys: Sequence[StreamKey], draws: Sequence[int], count: int, device: torch.device | str) -> Tensor:
    """The same words of several streams, each of its draw, ``(B, count)`` int64 that hold the 64 bits; the host tells which."""
    blocks = -(-count // 4)
    rows = signed([[first for first, _ in keys], [second for _, second in keys], list(draws)], device)[:, :, None]
    counter = torch.zeros(4, len(keys), blocks, dtype=torch.int64, device=device)
    counter[0] = torch.arange(1, blocks + 1, device=device)
    counter[1] = rows[2]
    return philox(counter, rows[:2]).movedim(0, -1).reshape(len(keys), -1)[:, :count]


def philox(counter: Tensor, key: Tensor) -> Tensor:
    """The blocks of counters ``(4, *shape)`` under keys ``(2, *shape)`` (broadcast), all int64 that hold 64 bits: ``(4, *shape)``.

    A round crosses the two halves of a block; here they stay where they are, and every second round takes constants and keys crossed.
    """
    column = (2, *(1 for _ in counter.shape[1:]))
    constants = _constants(counter.device)
    keys = key + constants.increments.view(ROUNDS, *column)
    keys[0::2] = keys[0::2].flip(1)
    even, odd = counter[0::2], counter[1::2]
    for number in range(ROUNDS):
        factors, halves = constants.factors[number % 2].view(column), constants.halves[number % 2].view(*column, 1, 2)
        even, odd = _high_product(even, halves, constants.shifts) ^ odd.flip(0) ^ keys[number], even * factors
    return torch.stack([even[0], odd[0], even[1], odd[1]])


def signed(words: Sequence[object], device: torch.device | str) -> Tensor:
    """Words of 64 bits as int64 with the same bits."""
    return sent(torch.from_numpy(np.array(words, dtype=np.uint64).view(np.int64)), device)


class _Constants(NamedTuple):
    """On a device.

    Attributes:
        shifts: ``(2,)`` that bring the lower and the upper 32 bits down.
        factors: ``(2, 2)``, as they are and crossed.
        halves: ``(2, 2, 2)`` the lower and the upper 32 bits of each.
        increments: ``(ROUNDS, 2)`` what is added to the key in each round.
    """

    shifts: Tensor
    factors: Tensor
    halves: Tensor
    increments: Tensor


@cache
def _constants(device: torch.device) -> _Constants:
    crossed = [list(MULTIPLIERS), list(reversed(MULTIPLIERS))]
    halves = [[[factor & LOW, factor >> 32] for factor in factors] for factors in crossed]
    increments = [[number * increment % 2**64 for increment in INCREMENTS] for number in range(ROUNDS)]
    with torch.inference_mode(False):
        return _Constants(*(signed(words, device) for words in ([0, 32], crossed, halves, increments)))


def _high_product(words: Tensor, halves: Tensor, shifts: Tensor) -> Tensor:
    """The upper 64 bits of ``words`` times constants with these ``halves``, all unsigned: no sum here exceeds 64 bits."""
    products = (words[..., None] >> shifts & LOW)[..., None] * halves
    middle = (products[..., 1, 0] + _upper(products[..., 0, 0]))[..., None] >> shifts & LOW
    return products[..., 1, 1] + middle[..., 1] + _upper(products[..., 0, 1] + middle[..., 0])


def _upper(words: Tensor) -> Tensor:
    """The upper 32 bits as numbers: shifts of int64 copy the sign."""
    return words >> 32 & LOW
