"""Whether calling something again and again keeps memory."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch

WARMUP_CALLS, MEASURED_CALLS = 2, 4


def measure_memory_growth(call: Callable[[], object]) -> tuple[float, float]:
    """Tensors and bytes of tensors that one more call keeps alive, averaged over `MEASURED_CALLS` calls after `WARMUP_CALLS` to warm up.

    What was there before the first call is frozen meanwhile: the collector need not walk through all that a process has imported.
    """
    gc.freeze()
    try:
        for _ in range(WARMUP_CALLS):
            call()
        count, size = _count_live_tensors()
        for _ in range(MEASURED_CALLS):
            call()
        count_after, size_after = _count_live_tensors()
    finally:
        gc.unfreeze()
    return (count_after - count) / MEASURED_CALLS, (size_after - size) / MEASURED_CALLS


def _count_live_tensors() -> tuple[int, int]:
    """How many tensors there are that came since the freeze, and of how many bytes."""
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor)]
    return len(tensors), sum(tensor.numel() * tensor.element_size() for tensor in tensors)
