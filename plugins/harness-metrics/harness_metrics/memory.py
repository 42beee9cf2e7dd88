"""Number of changed copies of a batch that may exist at once, so that memory does not grow with what a metric tries."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BUDGET = {"cpu": 32 << 20, "cuda": 512 << 20}
"""Bytes of changed inputs that exist at once (or one per sample, where that is more)."""


def at_once(images: Tensor) -> int:
    """Number of copies of all images that fit into the budget; at least one."""
    return _fitting(images.nbytes, images.device)


def runs_of(total: int, images: Tensor) -> Iterator[range]:
    """``range(total)`` in successive runs: as many copies of ``images`` as fit into the budget at a time."""
    return runs_within(total, images.nbytes, images.device)


def runs_within(total: int, size: int, device: torch.device | str) -> Iterator[range]:
    """``range(total)`` in successive runs: as many things of ``size`` bytes as fit into the budget at a time."""
    length = _fitting(size, torch.device(device))
    return (range(start, min(start + length, total)) for start in range(0, total, length))


def _fitting(size: int, device: torch.device) -> int:
    return max(1, BUDGET["cpu" if device.type == "cpu" else "cuda"] // max(1, size))
