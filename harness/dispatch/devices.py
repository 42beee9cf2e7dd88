"""The devices of this machine, found without importing torch, and what fixes a process to one of them."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.user_errors import UserError

MAX_CPU_WORKERS = 8


class DeviceError(UserError):
    """A device that was named is not there."""


@dataclass(frozen=True)
class Slot:
    """The place of one worker.

    Attributes:
        name: what the user calls the device: ``cpu``, ``cuda:1``, ``mps``.
        device: what torch calls it inside the worker.
        environment: variables that must stand before torch is imported.
    """

    name: str
    device: str
    environment: dict[str, str]


def count_usable_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def cpu_name() -> str:
    """Name that the processor gives itself."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor()


def visible_gpus() -> list[str]:
    """Names of the CUDA devices a worker may be given: ``CUDA_VISIBLE_DEVICES`` as it stands, else all that ``nvidia-smi`` lists."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() and name.strip() != "-1"]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    listing = subprocess.run(
        [program, "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, check=False, timeout=30
    )
    return [line.strip() for line in listing.stdout.splitlines() if line.strip().isdigit()] if listing.returncode == 0 else []


@cache
def has_apple_gpu() -> bool:
    """Whether this is a Mac whose GPU torch can use, which a process tries: torch believes that virtual ones can."""
    if platform.system() != "Darwin" or platform.machine() != "arm64":
        return False
    attempt = [sys.executable, "-c", "import torch; torch.ones(1, device='mps').cpu()"]
    return subprocess.run(attempt, capture_output=True, check=False).returncode == 0


def make_slots(devices: Sequence[str] | str = "auto", workers: int | str = "auto", per_device: int | str = "auto") -> list[Slot]:
    """One slot per worker: as many as are wanted of all or of each device; else one per GPU, or without one as many as suits the cores.

    Raises:
        DeviceError: a device is not there.
    """
    gpus = visible_gpus()
    if devices == "auto":
        names = [f"cuda:{i}" for i in range(len(gpus))] or (["mps"] if has_apple_gpu() else ["cpu"])
    else:
        names = [devices] if isinstance(devices, str) else list(devices)
    if workers != "auto":
        count = int(workers)
    elif per_device != "auto":
        count = len(names) * int(per_device)
    else:
        count = min(count_usable_cores(), MAX_CPU_WORKERS) if names == ["cpu"] else len(names)
    return [_make_slot(names[i % len(names)], gpus, count) for i in range(count)]


def _make_slot(name: str, gpus: list[str], count: int) -> Slot:
    kind, _, index = name.partition(":")
    threads = str(max(1, count_usable_cores() // count))
    environment = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    if name == "cpu":
        return Slot(name, "cpu", environment | {"CUDA_VISIBLE_DEVICES": ""})
    if kind == "cuda" and (index.isdigit() or name == "cuda"):
        position = int(index or 0)
        if position >= len(gpus):
            raise DeviceError(
                f"no device {name!r}: this machine has {', '.join(f'cuda:{i}' for i in range(len(gpus))) or 'no CUDA device'}"
            )
        return Slot(name, "cuda:0", environment | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": gpus[position]})
    if name == "mps":
        if not has_apple_gpu():
            raise DeviceError("no device 'mps': this machine has none of Apple's GPUs that can be used")
        return Slot(name, "mps", environment)
    raise DeviceError(f"no device {name!r}: choose from cpu, cuda:N, mps")
