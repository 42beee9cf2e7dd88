"""Measurement of what a job takes of a GPU: how busy that is, by the driver where it counts, and how much memory the worker has."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from harness.dispatch.events import DeviceUsage

SAMPLING_INTERVAL = 0.1  # seconds; the driver counts over the last sixth of a second, or the last second


class BusySamples:
    """Shares of time in which a GPU worked for any process, in [0, 1], sampled in a thread; none where the driver does not tell."""

    def __init__(self, device: torch.device) -> None:
        self.shares: list[float] = []
        self._device = device
        self._over = threading.Event()

    @contextmanager
    def taken(self) -> Iterator[Sequence[float]]:
        """The samples of the block."""
        thread = threading.Thread(target=self._sample, daemon=True)
        thread.start()
        try:
            yield self.shares
        finally:
            self._over.set()
            thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLING_INTERVAL):
            try:
                self.shares.append(torch.cuda.utilization(self._device) / 100)
            except Exception:  # no library that asks the driver, a part of a GPU, of which it does not count: passes are timed anyway
                return


@contextmanager
def busy_samples(device: torch.device) -> Iterator[Sequence[float]]:
    """How busy a GPU is in the block; of another device nothing is known."""
    if device.type != "cuda":
        yield ()
        return
    with BusySamples(device).taken() as shares:
        yield shares


def measure_usage(device: torch.device, shares: Sequence[float], in_passes: float, seconds: float) -> DeviceUsage | None:
    """What a job took of a GPU, before its unused memory is given back; None on another device, or if nothing was done on it.

    ``shares`` are samples of how busy it was; without any it is the share of the ``seconds`` that were spent ``in_passes``.
    """
    if device.type != "cuda" or not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return None
    busy = sum(shares) / len(shares) if shares else min(1.0, in_passes / max(seconds, 1e-9))
    _, memory = torch.cuda.mem_get_info(device)
    return DeviceUsage(busy=busy, wide=bool(shares), peak=torch.cuda.memory_reserved(device), memory=memory)
