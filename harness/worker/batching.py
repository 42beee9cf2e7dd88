"""Batches of the size with the best throughput, found on the work itself; out of memory halves them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from harness.worker.accelerators import release_unused_memory, synchronize

T = TypeVar("T")
SLOWDOWN_LIMIT = 1.5  # a size is much slower than another when it is so by more than this factor: larger ones are then not tried
TIMINGS_PER_SIZE = 2  # of each size, the faster one counts: whatever else the machine does makes a batch slower, never faster
OUT_OF_MEMORY_MESSAGES = (
    "can't allocate memory",  # the CPU
    "MPS backend out of memory",
    "Invalid buffer size",  # a Mac's GPU, of one tensor
    "CUDA error: out of memory",  # not of torch's allocator: the context of a process, its kernels
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


class OutOfMemory(MemoryError):
    """One sample alone does not fit into the device's memory."""


@dataclass
class BatchSize:
    """The batch size of one kind of pass: the fastest of doubled ones, until one is much slower; halved when memory runs out."""

    size: int
    limit: int
    best: int = 0
    fastest: float = 0.0  # items per second
    exploring: bool = True
    rates: list[float] = field(default_factory=list)  # of the size at hand

    def timed(self, items: int, seconds: float) -> None:
        """Learn from one batch; only full batches tell anything about a size."""
        if not self.exploring or items != self.size:
            return
        self.rates.append(items / max(seconds, 1e-9))
        if len(self.rates) < TIMINGS_PER_SIZE:
            return
        rate = max(self.rates)
        slower = rate * SLOWDOWN_LIMIT < self.fastest
        if rate > self.fastest:
            self.best, self.fastest = self.size, rate
        self.exploring = not slower and self.size * 2 <= self.limit
        self.size = self.size * 2 if self.exploring else self.best
        self.rates = []

    def halve(self) -> None:
        """Half of it, for good."""
        self.size = max(1, self.size // 2)
        self.limit, self.exploring = self.size, False


@dataclass
class Batching:
    """Batch sizes that worked, per (model, kind of pass), on one device; kept for as long as its worker lives.

    Attributes:
        start: the first size tried.
        limit: the greatest size tried.
        pixels: the most pixels in a batch that is tried (of so many items that it is a power of two), or None if only items count.
        fixed: the only size used, or None to look for the best.
        device: which one.
    """

    start: int = 8
    limit: int = 64
    pixels: int | None = None
    fixed: int | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    sizes: dict[Hashable, BatchSize] = field(default_factory=dict)

    @classmethod
    def on(cls, device: torch.device, fixed: int | None = None) -> Batching:
        """Bounds that suit a device.

        On a CPU a batch should stay near its caches, and its activations below the size from which each is memory that the system hands out
        anew: that is 128 images of 64 pixels a side, and 8 of 224.
        """
        if device.type == "cpu":
            return cls(start=16, limit=256, pixels=2**19, fixed=fixed)
        if device.type == "mps":  # the memory is the CPU's, and no tensor is larger than Metal's largest buffer
            return cls(start=16, limit=128, pixels=2**23, fixed=fixed, device=device)
        return cls(start=32, limit=1024, pixels=2**26, fixed=fixed, device=device)

    def run(self, key: Hashable, total: int, step: Callable[[slice], T], pixels: int = 1) -> Iterator[tuple[slice, T]]:
        """Call ``step`` on consecutive slices of ``range(total)``; raises `OutOfMemory` if even one item does not fit.

        ``pixels`` is how many an item has.
        """
        size = self.sizes.get(key)
        if size is None:
            size = self.sizes[key] = self._first(pixels)
        done = 0
        while done < total:
            part = slice(done, min(done + size.size, total))
            if size.exploring:
                synchronize(self.device)
            started = time.perf_counter()
            try:
                result = step(part)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                message = str(error)
            else:
                if size.exploring:
                    synchronize(self.device)
                size.timed(part.stop - part.start, time.perf_counter() - started)
                yield part, result
                done = part.stop
                continue
            if part.stop - part.start == 1:
                raise OutOfMemory(message)
            size.size = part.stop - part.start
            size.halve()
            release_unused_memory(self.device)

    def _first(self, pixels: int) -> BatchSize:
        if self.fixed is not None:
            return BatchSize(self.fixed, self.fixed, exploring=False)
        fitting = self.limit if self.pixels is None else 1 << max(0, (self.pixels // pixels).bit_length() - 1)
        limit = min(self.limit, fitting)
        return BatchSize(min(self.start, limit), limit)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception is an allocator's, of the device or of the host."""
    if isinstance(error, OutOfMemory):
        return False
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(said in str(error) for said in OUT_OF_MEMORY_MESSAGES)
    )
