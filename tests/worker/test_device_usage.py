"""What a job says of the GPU that it was done on: by the driver's count, or by passes where there is none."""

from __future__ import annotations

import time

import pytest
import torch

from harness.dispatch.events import DeviceUsage
from harness.worker import device_usage
from harness.worker.device_usage import busy_samples, measure_usage

GPU = torch.device("cuda", 0)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A GPU that this machine pretends to have: 3 of its 80 bytes are held, and 60 free."""
    monkeypatch.setattr(device_usage, "SAMPLING_INTERVAL", 0.001)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (60, 80))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3)
    return monkeypatch


def test_what_the_driver_counts_is_sampled_while_the_block_lasts(gpu: pytest.MonkeyPatch) -> None:
    told = iter([20, 40])
    gpu.setattr(torch.cuda, "utilization", lambda device: next(told))
    with busy_samples(GPU) as shares:
        end = time.monotonic() + 60
        while len(shares) < 2 and time.monotonic() < end:
            time.sleep(0.001)
    assert measure_usage(GPU, shares, in_passes=9.0, seconds=10.0) == DeviceUsage(busy=pytest.approx(0.3), wide=True, peak=3, memory=80)


def test_where_the_driver_does_not_tell_it_is_the_time_in_passes(gpu: pytest.MonkeyPatch) -> None:
    def refuse(device: torch.device) -> int:
        raise ModuleNotFoundError("nvidia-ml-py does not seem to be installed")

    gpu.setattr(torch.cuda, "utilization", refuse)
    with busy_samples(GPU) as shares:
        time.sleep(0.01)
    assert measure_usage(GPU, shares, in_passes=9.0, seconds=10.0) == DeviceUsage(busy=0.9, wide=False, peak=3, memory=80)


def test_of_what_is_no_gpu_and_of_one_that_nothing_was_done_on_nothing_is_said(gpu: pytest.MonkeyPatch) -> None:
    with busy_samples(torch.device("cpu")) as shares:
        assert measure_usage(torch.device("cpu"), shares, 1.0, 1.0) is None
    gpu.setattr(torch.cuda, "is_initialized", lambda: False)
    assert measure_usage(GPU, (), 1.0, 1.0) is None
