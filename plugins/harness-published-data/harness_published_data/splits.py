"""Parts of a data set that are held out, where its publisher has named none."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from harness.api import InputError
from harness.api.image_files.entries import Entry

Split = Literal["train", "validation", "test"]
Share = Annotated[float, Field(ge=0, lt=1)]


def training_part(entries: Sequence[Entry], split: Split, group: Callable[[Entry], str], share: float, seed: int) -> list[Entry]:
    """What is for ``train`` or for ``validation`` among entries that are for either; ``ValueError`` if nothing is."""
    rest, held = divide(entries, group, share, seed)
    part = held if split == "validation" else rest
    if not part:
        raise InputError(f"validation_share: at {share:g} there are no images in the split {split!r} ({len(entries)} are for both)")
    return part


def divide(entries: Sequence[Entry], group: Callable[[Entry], str], share: float, seed: int) -> tuple[list[Entry], list[Entry]]:
    """The rest and the ``share`` that is held out, each in the order of ``entries``.

    Those of one group (a patient, a lesion) stay together, and of every class the share is held out, but for the size of a group. A group
    counts for the class that most of it has. Which groups are held out is drawn by ``seed``, alike in whatever order entries come.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        members[group(entry)].append(str(entry.label))
    by_class: dict[str, list[str]] = defaultdict(list)
    for name, labels in members.items():
        by_class[max(sorted(set(labels)), key=labels.count)].append(name)
    held: set[str] = set()
    for label, names in by_class.items():
        wanted, taken = share * sum(len(members[name]) for name in names), 0
        for name in sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{label}/{name}".encode()).digest()):
            if taken + len(members[name]) / 2 > wanted:
                break
            held.add(name)
            taken += len(members[name])
    return [entry for entry in entries if group(entry) not in held], [entry for entry in entries if group(entry) in held]
