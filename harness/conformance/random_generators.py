"""The global generators, brought into a state that no component puts them into."""

from __future__ import annotations

import random

import numpy as np
import torch


def scramble_generators(state: int = 20_771) -> None:
    """Seed all global generators with ``state``, so that a component that seeds them with a number of its own changes them."""
    random.seed(state)
    np.random.seed(state)
    torch.manual_seed(state)
