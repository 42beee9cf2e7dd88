"""Windows that move across an image."""

from __future__ import annotations

import torch
from torch import Tensor


def spans(starts: Tensor, window: int, length: int) -> Tensor:
    """``(N, length)`` bool: pixels of each window, cut off at the end."""
    places = torch.arange(length, device=starts.device)
    return (places >= starts[:, None]) & (places < starts[:, None] + window)


def mean_over_windows(values: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """``(B, H, W)``: each pixel's mean over the windows that it is in.

    Args:
        values: ``(B, N, M)`` of N windows down and M across.
        rows, columns: ``(N, H)`` and ``(M, W)`` as `spans` gives them.
    """
    down, across = rows.to(values), columns.to(values)
    return (down.T @ values @ across) / (down.sum(dim=0)[:, None] * across.sum(dim=0))
