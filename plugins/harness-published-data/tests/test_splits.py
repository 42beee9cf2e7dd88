"""Parts that are held out: disjoint by group, of the size that was asked for, the same in any order."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from harness_published_data.splits import divide, training_part

from harness.api.image_files.entries import Entry

ENTRIES = [Entry(Path(f"{i}.png"), "rare" if i % 7 == 0 else "common", f"{i // 3}-{i}") for i in range(2100)]


def group(entry: Entry) -> str:
    return entry.id.partition("-")[0]


def test_groups_stay_together_and_every_class_gives_its_share() -> None:
    rest, held = divide(ENTRIES, group, 0.2, seed=3)
    assert sorted(map(id, [*rest, *held])) == sorted(map(id, ENTRIES)) and not {*map(group, rest)} & {*map(group, held)}
    counts, of = Counter(entry.label for entry in held), Counter(entry.label for entry in ENTRIES)
    assert counts.total() == pytest.approx(0.2 * len(ENTRIES), abs=3)
    assert counts["rare"] == pytest.approx(0.2 * of["rare"], abs=25)  # a class of groups of which most is common: drawn with them


def test_of_single_images_the_share_is_exact() -> None:
    for share in (0, 0.1, 0.25, 0.5):
        held = divide(ENTRIES, lambda entry: entry.id, share, seed=0)[1]
        assert Counter(entry.label for entry in held) == {"rare": 300 * share, "common": 1800 * share} or share == 0 == len(held)


def test_it_is_drawn_by_the_seed_and_not_by_the_order() -> None:
    shuffled = random.Random(1).sample(ENTRIES, len(ENTRIES))
    one, other = divide(ENTRIES, group, 0.3, 0)[1], divide(shuffled, group, 0.3, 0)[1]
    assert {entry.id for entry in one} == {entry.id for entry in other} != {entry.id for entry in divide(ENTRIES, group, 0.3, 1)[1]}
    assert [entry.id for entry in other] == [entry.id for entry in shuffled if entry in other]


def test_an_empty_part_is_refused() -> None:
    assert training_part(ENTRIES[:4], "train", group, 0, 0) == ENTRIES[:4]
    with pytest.raises(ValueError, match=r"validation_share: at 0 there are no images in the split 'validation' \(4 are for both\)"):
        training_part(ENTRIES[:4], "validation", group, 0, 0)
