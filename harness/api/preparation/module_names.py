"""Names for the modules that preparing adds."""

from __future__ import annotations

from torch import nn


def free_name(block: nn.Module, wanted: str) -> str:
    """``wanted``, or with the first number that makes it a name that ``block`` does not use."""
    name, number = wanted, 1
    while hasattr(block, name):
        number += 1
        name = f"{wanted}_{number}"
    return name
