"""Selection of the images of a folder that are taken, and their order."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest

from harness.api.image_files.entries import Entry


def balanced(entries: Sequence[Entry], seed: int) -> Iterator[Entry]:
    """One of each class in turn, each class in an order drawn by ``seed``: any beginning is balanced, and part of any longer one.

    A class's order does not depend on which other classes there are.
    """
    by_class: dict[str | int, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_class[entry.label].append(entry)
    shuffled = [_shuffled(by_class[label], f"{seed}/{label}") for label in sorted(by_class, key=str)]
    turns: Iterable[tuple[Entry | None, ...]] = zip_longest(*shuffled)
    return (entry for entry in chain.from_iterable(turns) if entry is not None)


def _shuffled(entries: Sequence[Entry], seed: str) -> list[Entry]:
    return random.Random(seed).sample(entries, len(entries))
