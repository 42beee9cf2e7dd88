"""Costs of explaining: seconds, passes and peak memory, measured around the call.

Memory is a GPU's. On a CPU the resident set is all there is to look at without slowing the work down, and how far it grows says which pages
the allocator already held rather than what was needed: of one explainer now 61 MB, now 156 kB.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from harness.dispatch.devices import cpu_name
from harness.worker.accelerators import synchronize
from harness.worker.pass_counter import count_passes_within


@dataclass
class MeasuredCost:
    """Wall seconds, passes through models, and bytes by which a GPU's memory peaked above where it began (NaN elsewhere)."""

    seconds: float = 0.0
    passes: float = 0
    memory: float = math.nan

    def add(self, part: MeasuredCost) -> None:
        """Add what a part cost at another time: its time and passes, and its memory if that was more."""
        self.seconds += part.seconds
        self.passes += part.passes
        self.memory = max((memory for memory in (self.memory, part.memory) if not math.isnan(memory)), default=math.nan)


@contextmanager
def measure_cost(device: torch.device) -> Iterator[MeasuredCost]:
    """The cost of the block, filled in on leaving it."""
    cost = MeasuredCost()
    before = _reset_peak_memory(device)
    started = time.perf_counter()
    with count_passes_within() as passes:
        yield cost
    synchronize(device)
    cost.seconds = time.perf_counter() - started
    cost.passes = passes.total
    if device.type == "cuda":
        cost.memory = max(0.0, torch.cuda.max_memory_allocated(device) - before)


def describe_hardware(device: torch.device) -> str:
    """Hardware that costs are of: the name of the GPU, or of the CPU with the threads that torch has there."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{cpu_name()} ({device.type}, {threads} thread{'s' if threads > 1 else ''})"


def _reset_peak_memory(device: torch.device) -> float:
    """Start a new peak, and return what is in use now."""
    if device.type != "cuda":
        return math.nan
    torch.cuda.reset_peak_memory_stats(device)
    return float(torch.cuda.memory_allocated(device))
