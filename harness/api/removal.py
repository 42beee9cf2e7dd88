"""The pixels that a map says are the most or the least important, to be removed from an image."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from harness.api.context import Context

Importance = Literal["most", "least"]


def removed_pixels(maps: Tensor, share: float, order: Importance, ctx: Context) -> Tensor:
    """The share of an image's pixels with the greatest values of ``maps`` (B, H, W), or with the least: ``(B, H, W)`` bool.

    A whole number of pixels, rounded; equal pixels come in an order drawn from each sample's stream.

    >>> import torch
    >>> removed_pixels(torch.tensor([[[3.0, 1.0], [2.0, 0.0]]]), 0.5, "least", Context(0, ["a"])).int().tolist()
    [[[0, 1], [0, 1]]]
    """
    flat = maps.flatten(1)
    chance = ctx.fresh("order of ties").permutation(flat.shape[1]).to(maps.device)
    ordered = flat.gather(1, chance).argsort(dim=1, descending=order == "most", stable=True)
    chosen = chance.gather(1, ordered)[:, : round(share * flat.shape[1])]
    return flat.new_zeros(flat.shape).bool().scatter_(1, chosen, True).view_as(maps)
