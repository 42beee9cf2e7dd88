"""A run whose model has its classes in another order than the dataset says so."""

from __future__ import annotations

from pathlib import Path

import torch

import harness
from harness.api import Sample
from tests.support.small import SIDE, pools
from tests.support.spec import SMALL, small_spec


class Sides:
    """Images that are bright on one side; label 0 is the right one, which the model calls 1, where ``exchanged``; one is ``lost``."""

    def __init__(self, exchanged: bool, lost: int | None = None) -> None:
        self.exchanged, self.lost = exchanged, lost

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Sample:
        if index >= len(self):
            raise IndexError(index)
        image = torch.full((3, SIDE, SIDE), 0.1)
        side = index % 2
        image[:, :, SIDE // 2 * side : SIDE // 2 * (side + 1)] = 0.6 + index / 100
        image[0, 0, 0] = torch.nan if index == self.lost else image[0, 0, 0]
        return Sample(image, 1 - side if self.exchanged else side, f"side-{index}")


def test_exchanged_classes_are_noted_beside_the_accuracy(tmp_path: Path) -> None:
    datasets = [{"use": Sides(True, lost=0), "label": "exchanged"}, {"use": Sides(False), "label": "right"}]
    spec = small_spec(datasets=datasets, models=[{"use": pools(), "label": "model"}], explainers=["slope"], metrics=["drop"], nulls=[])
    first, second = harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL]).leaderboard.groups
    assert (first.samples_total, second.samples_total) == (11, 12)
    assert (first.accuracy, second.accuracy) == (0, 1)
    assert any("would be 100 % if classes were exchanged" in note and "class_map" in note for note in first.notes)
    assert not any("exchanged" in note for note in second.notes)
