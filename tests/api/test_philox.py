"""Random words: those that are published, the same from NumPy and from tensors, on every device."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.api.philox import philox, signed, words_on_device, words_on_host

PUBLISHED = """
0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000
16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b
ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff
87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0
243f6a8885a308d3 13198a2e03707344 a4093822299f31d0 082efa98ec4e6c89 452821e638d01377 be5466cf34e90c6c
a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6
"""  # counter and key, and the block: Random123's kat_vectors, "philox4x64 10"


def test_blocks_are_those_that_random123_publishes() -> None:
    lines = [[int(word, 16) for word in line.split()] for line in PUBLISHED.split("\n") if line]
    given, expected = signed(lines[0::2], "cpu").T, signed(lines[1::2], "cpu").T
    assert given.shape == (6, 3)
    assert torch.equal(philox(given[:4], given[4:]), expected)


@pytest.mark.parametrize("count", [0, 1, 4, 7, 1000])
def test_tensors_and_numpy_make_the_same_words(count: int) -> None:
    keys = [(0, 0), (2**64 - 1, 2**63), (0x243F6A8885A308D3, 5)]
    found = words_on_device(keys, [2**31 + 9] * len(keys), count, "cpu")
    assert found.shape == (3, count)
    for row, key in zip(found.numpy().view(np.uint64), keys, strict=True):
        np.testing.assert_array_equal(row, words_on_host(key, 2**31 + 9, count))


def test_each_bit_of_key_and_draw_changes_half_of_the_bits() -> None:
    """4096 bits differ in 2048 ± 6 standard deviations, whichever bit of the key or the draw's number is turned."""
    key, draw = (0x0123456789ABCDEF, 0xFEDCBA9876543210), 3
    turned = [((key[0] ^ 1 << bit, key[1]), draw) for bit in range(64)] + [((key[0], key[1] ^ 1 << bit), draw) for bit in range(64)]
    turned += [(key, draw ^ 1 << bit) for bit in range(62)]
    first = words_on_host(key, draw, 64)
    changed = np.array([np.bitwise_count(first ^ words_on_host(*other, 64)).sum(dtype=int) for other in turned])
    assert np.abs(changed - 2048).max() < 6 * 32
