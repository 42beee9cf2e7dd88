"""The dataset ``digits``: the real handwritten digits that scikit-learn carries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from sklearn.datasets import load_digits
from torch import Tensor

from harness.api import Sample, dataset
from harness_torchvision.citations import DIGITS

Split = Literal["train", "validation", "test"]
CLASSES = tuple(str(digit) for digit in range(10))
SHARES: dict[Split, float] = {"train": 0.6, "validation": 0.2, "test": 0.2}
_ORDER = 20_220_131
_BRIGHTEST = 16


class Digits:
    """Digits of one split, 8 × 8 pixels, grey.

    Attributes:
        class_names: ``("0", …, "9")``.
    """

    class_names: Sequence[str] = CLASSES

    def __init__(self, split: Split, samples: int | None = None) -> None:
        self.split = split
        chosen = places(split)
        if samples is not None and samples > len(chosen):
            raise ValueError(f"samples: {samples}, and the split {split!r} has {len(chosen)} digits: write that many or fewer")
        self.places = chosen[:samples]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (1, 8, 8) in [0, 1], the ink bright; ids say the place in scikit-learn's order."""
        if not 0 <= index < len(self.places):
            raise IndexError(f"sample {index} of {len(self.places)}")
        images, labels = all_digits()
        place = self.places[index]
        return Sample(images[place].clone(), int(labels[place]), f"digit-{place:04d}")


@cache
def all_digits() -> tuple[Tensor, Tensor]:
    """All 1797 images ``(N, 1, 8, 8)`` in [0, 1] and their labels ``(N,)``, in scikit-learn's order."""
    bunch = load_digits()
    images = torch.from_numpy((bunch.images / _BRIGHTEST).astype(np.float32))[:, None]
    return images, torch.from_numpy(bunch.target.astype(np.int64))


@cache
def places(split: Split) -> tuple[int, ...]:
    """Places of a split's digits: of each class the same share, one class after the other in turn, in an order that never changes."""
    labels = all_digits()[1].numpy()
    order = np.random.default_rng(_ORDER).permutation(len(labels))
    bounds = np.cumsum([0.0, *SHARES.values()])
    number = list(SHARES).index(split)
    columns = []
    for digit in range(len(CLASSES)):
        own = [int(place) for place in order if labels[place] == digit]
        columns.append(own[round(bounds[number] * len(own)) : round(bounds[number + 1] * len(own))])
    longest = max(map(len, columns))
    return tuple(column[turn] for turn in range(longest) for column in columns if turn < len(column))


@dataset(cite=DIGITS)
def digits(*, split: Split = "test", samples: Annotated[int, Field(ge=1)] | None = None) -> Digits:
    """Handwritten digits (1797, 8 × 8 pixels, UCI by way of scikit-learn), in fixed splits of 60, 20 and 20 per cent of each class.

    A model's own resizing brings them to its size.

    Args:
        split: which of the three parts.
        samples: how many, the first of the split, in which the classes take turns; by default all.
    """
    return Digits(split, samples)
