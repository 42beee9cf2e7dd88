"""The dataset ``part-shapes``: its classes, its parts, and that nothing but a part changes when that is taken away."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from harness_mosaics.birds import BIRD, PARTS, class_table
from harness_mosaics.figures import Ellipse, Polygon, Pose
from harness_mosaics.part_shapes import part_shapes
from harness_mosaics.scenes import drawn_scene

CORNERS = [(0.0, 0.0), (0.5, 0.1), (0.3, 0.6)]


def test_figures_have_the_areas_of_geometry() -> None:
    x, y = Pose(scale=0.5, turn=0.7, mirrored=True, centre=(0.02, -0.03)).points(512)
    unit = (2 / 512) ** 2
    assert Ellipse((0.1, -0.2), (0.3, 0.2)).covers(x, y).sum() * unit == pytest.approx(np.pi * 0.3 * 0.2, rel=0.01)
    for corners in (CORNERS, CORNERS[::-1]):
        assert Polygon(corners).covers(x, y).sum() * unit == pytest.approx((0.5 * 0.6 - 0.3 * 0.1) / 2, rel=0.02)


@pytest.mark.parametrize("telling", [PARTS, PARTS[:3], PARTS[1:3]])
def test_classes_differ_in_two_parts_that_tell_them(telling) -> None:
    """So that a bird without any one of its parts is of its class still; the table is full, or as long as it is asked to be."""
    table = class_table(tuple(telling), min(4 ** (len(telling) - 1), 40))
    for one, other in combinations(table, 2):
        assert sum(one[part] != other[part] for part in telling) >= 2
    assert all({row[part] for row in table} == {0, 1, 2, 3} for part in telling)
    with pytest.raises(ValueError, match="tell at most"):
        part_shapes(telling=list(telling), classes=4 ** (len(telling) - 1) + 1)


def test_one_part_that_tells_tells_four_classes() -> None:
    assert sorted(row["wing"] for row in class_table(("wing",), 4)) == [0, 1, 2, 3]


def test_nothing_changes_but_the_part() -> None:
    """Pixels that do not change lie around those of the part's own figure; what is behind a part comes to light."""
    for place in range(6):
        scene = drawn_scene(dict.fromkeys(PARTS, place % 4), 48, 3, np.random.default_rng(place))
        whole = scene.image()
        bare = scene.image(PARTS)
        for part, pixels, colour in scene.layers:
            if part is None:
                continue
            changed = (scene.image({part}) != whole).any(axis=2)
            own = np.zeros(96 * 96, dtype=bool)
            own[pixels] = True
            touched, inside = (reduce(own.reshape(48, 2, 48, 2), axis=(1, 3)) for reduce in (np.any, np.all))
            assert not (changed & ~touched).any() and changed.any()
            seen = changed & inside & (np.abs(whole - colour).max(axis=2) < 16)
            assert seen.sum() > 0.5 * inside.sum(), "most of a part has its colour"
            alone = scene.image(set(PARTS) - {part})
            assert not ((alone != bare).any(axis=2) & ~touched).any()


def test_a_sample_is_what_its_evidence_says() -> None:
    data = part_shapes(telling=["wing", "tail"], classes=4, samples=8)
    for index in range(8):
        sample = data[index]
        without, parts = sample.evidence["counterfactuals"], sample.evidence["parts"]
        assert torch.equal(parts, (without != sample.image).any(dim=1))
        telling = [PARTS.index("wing"), PARTS.index("tail")]
        assert torch.equal(sample.mask, parts[telling].any(dim=0))
        assert torch.equal(sample.evidence["distractors"], parts[[place for place in range(5) if place not in telling]].any(dim=0))
    assert "distractors" not in part_shapes()[0].evidence


def test_the_colour_of_a_part_is_that_of_its_class() -> None:
    """The median colour of what a part hides is that of the variant, of telling parts alone."""
    data, table = part_shapes(telling=["wing", "tail"], classes=4, samples=40), class_table(("wing", "tail"), 4)
    hues: dict[str, list[bool]] = {"tail": [], "beak": []}
    for index in range(40):
        sample = data[index]
        for part in hues:
            pixels = sample.image[:, sample.evidence["parts"][PARTS.index(part)]].median(dim=1).values.numpy() * 255
            expected = np.array(BIRD[part][table[sample.label].get(part, 0)][1], dtype=float)
            hues[part].append(bool(np.abs(pixels / np.linalg.norm(pixels) - expected / np.linalg.norm(expected)).max() < 0.1))
    assert np.mean(hues["tail"]) > 0.9 and np.mean(hues["beak"]) < 0.6


def test_training_images_lack_a_part_as_often_as_is_said() -> None:
    data = part_shapes(split="train", samples=300, missing=0.4)
    lacking = [(~data[index].evidence["parts"].flatten(1).any(dim=1)).sum().item() for index in range(300)]
    assert np.mean([count >= 1 for count in lacking]) == pytest.approx(0.4, abs=0.1) and max(lacking) <= 2
    assert sum(not part_shapes(samples=60)[index].evidence["parts"].flatten(1).any(dim=1).all() for index in range(60)) <= 2


def test_a_part_that_is_not_there_is_in_no_counterfactual() -> None:
    """Pixels that the removal of each other part changes would all be its own else."""
    data = part_shapes(split="train", samples=20, missing=1.0)
    for index in range(20):
        parts = data[index].evidence["parts"]
        there = parts.flatten(1).any(dim=1)
        assert not there.all() and not parts[there].all(dim=0).any()


def test_splits_and_seeds_are_other_images_of_the_same_classes() -> None:
    first = part_shapes(samples=2)
    others = [part_shapes(samples=2, split="train"), part_shapes(samples=2, seed=1)]
    assert all(not torch.equal(first[0].image, other[0].image) and first.class_names == other.class_names for other in others)
