"""What explaining costs: seconds, passes and peak memory, measured around the call."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from harness.execution.accelerators import finish
from harness.execution.devices import cpu_name
from harness.execution.passes import since

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@dataclass
class Cost:
    """Wall seconds, passes through models, and bytes by which memory peaked above where it began (NaN where it cannot be known)."""

    seconds: float = 0.0
    passes: float = 0
    memory: float = math.nan

    def add(self, part: Cost) -> None:
        """Add what a part cost at another time: its time and passes, and its memory where that was more."""
        self.seconds += part.seconds
        self.passes += part.passes
        self.memory = max(self.memory, part.memory)


@contextmanager
def measured(device: torch.device) -> Iterator[Cost]:
    """The cost of the block, filled in on leaving it."""
    cost = Cost()
    before = _start_peak(device)
    started = time.perf_counter()
    with since() as passes:
        yield cost
    finish(device)
    cost.seconds = time.perf_counter() - started
    cost.passes = passes.total
    cost.memory = _peak(device) - before
    if cost.memory <= 0:  # of a process it shows only what goes beyond what its allocator holds already
        cost.memory = 0.0 if device.type == "cuda" else math.nan


def hardware(device: torch.device) -> str:
    """What costs are of: the name of the GPU, or of the CPU with the threads that torch has there."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{cpu_name()} ({device.type}, {threads} thread{'s' if threads > 1 else ''})"


def _start_peak(device: torch.device) -> float:
    """Start a new peak, and return what is in use now."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return float(torch.cuda.memory_allocated(device))
    if device.type != "cpu":
        return math.nan
    try:
        _CLEAR.write_text("5")  # Linux: the peak of the resident set starts again from what is resident
        return _status("VmRSS")
    except OSError:
        return math.nan


def _peak(device: torch.device) -> float:
    return float(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else _status("VmHWM")


def _status(field: str) -> float:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return math.nan
    return next((float(line.split()[1]) * 1024 for line in lines if line.startswith(field)), math.nan)
