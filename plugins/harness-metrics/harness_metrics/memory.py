"""Number of changed copies of a batch that may exist at once, so that memory does not grow with what a metric tries."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

BUDGET = {"cpu": 32 << 20, "cuda": 512 << 20}
"""Bytes of changed inputs that exist at once (or one per sample, where that is more)."""


def at_once(images: Tensor) -> int:
    """Number of copies of all images that fit into the budget; at least one."""
    budget = BUDGET["cpu" if images.device.type == "cpu" else "cuda"]
    return max(1, budget // (images.numel() * images.element_size()))


def runs_of(total: int, images: Tensor) -> Iterator[range]:
    """``range(total)`` in successive runs: as many copies of ``images`` as fit into the budget at a time."""
    size = at_once(images)
    return (range(start, min(start + size, total)) for start in range(0, total, size))
