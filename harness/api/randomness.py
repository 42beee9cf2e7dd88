"""Random streams: one per (spec seed, sample id, purpose).

A number depends on no batch, shard, worker, device or neighbour, and explaining again draws the same stream.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from harness.api.philox import StreamKey


def stream_key(seed: int, sample: str, purpose: str) -> StreamKey:
    """One stream's key for the counter-based generator (`harness.api.random_draws`)."""
    digest = hashlib.sha256(f"{seed}\0{sample}\0{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big")


def stream_seed(seed: int, sample: str, purpose: str) -> int:
    """The 63-bit seed of one stream, for generators of other libraries."""
    return stream_key(seed, sample, purpose)[0] >> 1


def stream(seed: int, sample: str, purpose: str) -> torch.Generator:
    """A fresh CPU generator at the start of one stream."""
    return torch.Generator().manual_seed(stream_seed(seed, sample, purpose))


@contextmanager
def restored_generators() -> Iterator[None]:
    """Restore the global generators of Python, NumPy and torch on leaving, also after an exception."""
    python, numpy_state, torch_state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda_states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    mps_state = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)
        if cuda_states is not None:
            torch.cuda.set_rng_state_all(cuda_states)
        if mps_state is not None:
            torch.mps.set_rng_state(mps_state)


@contextmanager
def seeded_generators(seed: int) -> Iterator[None]:
    """Seed every global generator with ``seed`` inside the block, and restore them after it."""
    with restored_generators():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        yield
