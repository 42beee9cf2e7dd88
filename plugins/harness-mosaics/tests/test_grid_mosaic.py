"""The dataset ``grid-mosaic``: cells are whole images of the classes that the paper's grids have, and the mask is the label's."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from harness_mosaics.grid_mosaic import grid_mosaic

from harness.api import Sample
from harness.conformance.pytest import parametrize_with_checks


class Plain:
    """Images of one colour, which says which they are; some larger than others."""

    class_names = ("a", "b", "c", "d", "e")

    def __init__(self, classes: int = 5, each: int = 6, larger: bool = False) -> None:
        self.classes, self.each, self.larger = classes, each, larger

    def __len__(self) -> int:
        return self.classes * self.each

    def __getitem__(self, index: int) -> Sample:
        side = 12 if self.larger and index % 2 else 6
        return Sample(torch.full((1, side, side), index / 100), index % self.classes, str(index))


def cells(sample: Sample, side: int) -> tuple[list[int], list[bool]]:
    """Which image is in each cell, and whether the mask is there; each cell is one image and one truth."""
    height, width = (length // side for length in sample.image.shape[1:])
    tiles = [sample.image[0, r * height : (r + 1) * height, c * width : (c + 1) * width] for r in range(side) for c in range(side)]
    masks = [sample.mask[r * height : (r + 1) * height, c * width : (c + 1) * width] for r in range(side) for c in range(side)]
    assert all(tile.unique().numel() == 1 for tile in tiles) and all(mask.unique().numel() == 1 for mask in masks)
    return [round(tile.mean().item() * 100) for tile in tiles], [bool(mask.any()) for mask in masks]


@pytest.mark.parametrize(("own", "distinct"), [(1, True), (2, True), (1, False), (2, False)])
def test_the_mask_is_the_cells_of_the_label_and_no_image_is_there_twice(own, distinct) -> None:
    data, places = grid_mosaic(of=Plain(), side=2, own=own, distinct=distinct, samples=60), Counter()
    for index in range(60):
        sample = data[index]
        images, asked = cells(sample, 2)
        classes = [image % 5 for image in images]
        assert [each == sample.label for each in classes] == asked and sum(asked) == own
        assert len(set(images)) == 4
        others = [each for each, own_cell in zip(classes, asked, strict=True) if not own_cell]
        assert not distinct or len(set(others)) == len(others)
        places.update(place for place, there in enumerate(asked) if there)
    assert Counter(data[index].label for index in range(60)) == dict.fromkeys(range(5), 12)
    assert min(places.values()) > 60 * own / 4 * 0.5, "the class asked for is anywhere"
    if not distinct:
        pairs = [cells(data[index], 2) for index in range(60)]
        repeated = [len({i % 5 for i, own_cell in zip(*pair, strict=True) if not own_cell}) < 4 - own for pair in pairs]
        assert any(repeated)


def test_images_are_brought_to_one_size() -> None:
    assert grid_mosaic(of=Plain(larger=True), side=2, samples=5)[3].image.shape == (1, 12, 12)
    sample = grid_mosaic(of=Plain(larger=True), side=2, cell=9, samples=5)[3]
    assert sample.image.shape == (1, 18, 18) == (1, *sample.mask.shape)
    cells(sample, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"side": 3}, "5 classes, and beside the class that is asked for there are to be images of 8 other classes"),
        ({"side": 3, "own": 7, "distinct": False}, "of class 0 there are 6"),
        ({"side": 2, "own": 4}, "leave one for others"),
    ],
)
def test_too_few_classes_or_images_are_said(options, said) -> None:
    with pytest.raises(ValueError, match=said):
        grid_mosaic(of=Plain(), **options)[0]


def test_a_map_of_noise_has_chances_share() -> None:
    """The mask covers own / side² of the image."""
    data = grid_mosaic(of=Plain(), side=2, own=2, distinct=False, samples=20)
    assert np.mean([data[index].mask.float().mean().item() for index in range(20)]) == 0.5


SMALL = {"of": {"use": "part-shapes", "params": {"samples": 16, "size": 32}}, "side": 2, "samples": 16}


@parametrize_with_checks(["grid-mosaic"], params={"grid-mosaic": SMALL})
def test_conformance(check) -> None:
    check()
