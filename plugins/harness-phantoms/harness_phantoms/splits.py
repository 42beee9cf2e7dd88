"""The three parts of a data set, how many samples each has by default, and the random streams of a sample."""

from __future__ import annotations

from typing import Literal

import numpy as np

from harness.api.randomness import stream_seed
from harness_phantoms.fields import Generator

Split = Literal["train", "validation", "test"]
DEFAULT_SAMPLES: dict[Split, int] = {"train": 4000, "validation": 500, "test": 1000}


def streams(seed: int, split: Split, index: int, parts: tuple[str, ...]) -> list[Generator]:
    """A random stream for each part of one sample, which no other part, sample, split or seed has."""
    return [np.random.default_rng(stream_seed(seed, f"{split}-{index}", part)) for part in parts]
