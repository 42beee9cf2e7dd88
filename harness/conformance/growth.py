"""Whether calling something again and again keeps memory."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch

WARM, CALLS = 2, 4


def growth(call: Callable[[], object]) -> tuple[float, float]:
    """Tensors and bytes of tensors that one more call keeps alive, averaged over `CALLS` calls after `WARM` to warm up.

    What was there before the first call is frozen meanwhile: the collector need not walk through all that a process has imported.
    """
    gc.freeze()
    try:
        for _ in range(WARM):
            call()
        count, size = _living()
        for _ in range(CALLS):
            call()
        count_after, size_after = _living()
    finally:
        gc.unfreeze()
    return (count_after - count) / CALLS, (size_after - size) / CALLS


def _living() -> tuple[int, int]:
    """How many tensors there are that came since the freeze, and of how many bytes."""
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor)]
    return len(tensors), sum(tensor.numel() * tensor.element_size() for tensor in tensors)
