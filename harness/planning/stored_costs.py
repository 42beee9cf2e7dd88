"""Costs of explaining, as the store has them: seconds and memory say on which hardware, passes are the same on all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.store.sample_alignment import MaskedColumn

PASSES = "passes"
_SECONDS, _MEMORY, _HARDWARE_SEPARATOR = "seconds", "memory", " on "


class MeasuredCosts(NamedTuple):
    """Costs of N samples, NaN if they are not known: seconds and a GPU's peak memory (bytes) on the hardware that has most of them."""

    hardware: str | None
    seconds: NDArray[np.float64]
    passes: NDArray[np.float64]
    memory: NDArray[np.float64]


def cost_fields(hardware: str, seconds: float, passes: float, memory: float) -> Iterator[tuple[str, float]]:
    """The fields of a sample that was explained on this hardware; none of memory if it is not known."""
    yield f"{_SECONDS}{_HARDWARE_SEPARATOR}{hardware}", seconds
    yield PASSES, passes
    if not math.isnan(memory):
        yield f"{_MEMORY}{_HARDWARE_SEPARATOR}{hardware}", memory


def costs_from_fields(fields: Mapping[str, MaskedColumn], size: int, hardware: str | None = None) -> MeasuredCosts:
    """Known costs of ``size`` samples: on ``hardware`` if it has any of them, else where most of them were explained."""
    counts = {
        name.partition(_HARDWARE_SEPARATOR)[2]: int(known.there.sum())
        for name, known in fields.items()
        if name.startswith(_SECONDS + _HARDWARE_SEPARATOR)
    }
    chosen = hardware if counts.get(hardware or "") else max(counts, key=lambda name: (counts[name], name), default=None)
    values = [
        fields.get(name, MaskedColumn.all_missing(size)).values
        for name in (f"{_SECONDS}{_HARDWARE_SEPARATOR}{chosen}", PASSES, f"{_MEMORY}{_HARDWARE_SEPARATOR}{chosen}")
    ]
    return MeasuredCosts(chosen, *values)


def mean_without_nan(values: NDArray[np.float64]) -> float | None:
    """The mean of what is a number; None of nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
