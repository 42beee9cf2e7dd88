"""Squares at random places of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from harness.api import Context
from harness.api.transfer import sent
from harness_metrics.memory import runs_within


def sides_between(shape: tuple[int, int], least: float, most: float) -> tuple[int, ...]:
    """All sides from ``least`` to ``most`` of the shorter side of ``shape`` (H, W), in whole pixels, at least one.

    >>> sides_between((28, 28), 1 / 28, 10 / 28)
    (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    """
    shorter = min(shape)
    return tuple(range(max(1, round(least * shorter)), max(1, round(most * shorter)) + 1))


def random_squares(ctx: Context, shape: tuple[int, int], sides: Sequence[int], count: int) -> Iterator[Tensor]:
    """``count`` squares per sample: ``(B, H, W)`` bool each, drawn from all squares of these sides that lie wholly in the image.

    Each place of each side is as likely as any other, so that a side that fits in more places comes more often. Raises ``ValueError``
    where a side does not fit.
    """
    height, width = shape
    if max(sides) > min(shape):
        raise ValueError(f"a square of {max(sides)} pixels a side does not fit into an image of {height} x {width}")
    choice, down, across = ctx.uniform((count, 3), dtype=torch.float64).permute(2, 1, 0).contiguous()
    possible = sent(torch.tensor(sides, dtype=torch.float64), choice.device)
    ends = ((height - possible + 1) * (width - possible + 1)).cumsum(dim=0)
    side = possible[torch.searchsorted(ends, choice * ends[-1], right=True)]
    top, left = (down * (height - side + 1)).floor(), (across * (width - side + 1)).floor()
    rows, columns = (torch.arange(length, device=choice.device) for length in shape)
    on_rows, on_columns = _between(rows, top, side), _between(columns, left, side)
    for run in runs_within(count, len(ctx.ids) * height * width, choice.device):
        part = slice(run.start, run.stop)
        yield from (on_rows[part, :, :, None] & on_columns[part, :, None, :]).unbind()


def _between(positions: Tensor, start: Tensor, length: Tensor) -> Tensor:
    """``(N,)``, ``(S, B)``, ``(S, B)`` → ``(S, B, N)``: which positions lie in each interval."""
    return (positions >= start[..., None]) & (positions < (start + length)[..., None])
