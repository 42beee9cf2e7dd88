"""Measures that checks take: how far results are apart, what calls keep in memory, and generators in a state of nobody's making."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from harness.conformance.results import CheckFailed
from harness.worker.mutation_guard import MutationError, forbid_changes

TOLERANCE = 1e-3
"""Greatest difference, relative to the greatest magnitude of the sample's own map (or to 1 for scores), that counts as float noise."""
MIN_SCALE = 1e-7
WARMUP_CALLS, MEASURED_CALLS = 2, 4


def map_difference(first: Tensor, second: Tensor) -> float:
    """The greatest difference of two maps ``(B, H, W)``, per sample relative to its own greatest magnitude; the worst sample counts."""
    if first.shape != second.shape:
        return float("inf")
    scale = torch.maximum(first.abs().flatten(1).amax(dim=1), second.abs().flatten(1).amax(dim=1)).clamp(min=MIN_SCALE)
    return float(((first - second).abs().flatten(1).amax(dim=1) / scale).max())


def score_difference(first: Tensor, second: Tensor) -> float:
    """The greatest difference of two scores ``(B,)``, relative to the greater of 1 and their magnitude; NaN equals NaN only."""
    if first.shape != second.shape or not torch.equal(first.isnan(), second.isnan()):
        return float("inf")
    scale = torch.maximum(first.abs(), second.abs()).clamp(min=1)
    difference = ((first - second).abs() / scale).nan_to_num(0.0)
    return float(difference.max()) if len(difference) else 0.0


def value_difference(first: Tensor, second: Tensor) -> float:
    """The greatest difference of two values of any shape, relative to the greatest magnitude in them; NaN equals NaN only."""
    if first.shape != second.shape or not torch.equal(first.isnan(), second.isnan()):
        return float("inf")
    if not first.numel():
        return 0.0
    one, other = first.double().nan_to_num(), second.double().nan_to_num()
    scale = torch.maximum(one.abs(), other.abs()).amax().clamp(min=MIN_SCALE)
    return float((one - other).abs().amax() / scale)


def scramble_generators(state: int = 20_771) -> None:
    """Seed all global generators with ``state``, so that a component that seeds them with a number of its own changes them."""
    random.seed(state)
    np.random.seed(state)
    torch.manual_seed(state)


def require_generators_untouched(make: Callable[[], object], remedy: str) -> None:
    """Fail the check if ``make()`` changes global generators, threads or default types."""
    try:
        scramble_generators()
        with forbid_changes(torch.nn.Identity()):
            make()
    except MutationError as error:
        raise CheckFailed(f"{error}: {remedy}") from error


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
