"""Sums and ranks in float64, whatever device a tensor is on."""

from __future__ import annotations

from torch import Tensor


def to_float64(tensor: Tensor) -> Tensor:
    """The tensor as float64: where it is, or on the CPU where its device has no such numbers (Apple's GPU)."""
    try:
        return tensor.double()
    except TypeError:  # what torch says of a type that a device lacks
        return tensor.cpu().double()
