"""Classes that do not match are told for all datasets and models at once, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import harness
from harness.api import Sample
from tests.support.small import SIDE, pools
from tests.support.spec import SMALL, small_spec


class Labelled:
    """Two images with labels of one's own."""

    def __init__(self, *labels: int, names: list[str] | None = None) -> None:
        self.labels, self.class_names = labels, names

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Sample:
        if index >= len(self):
            raise IndexError(index)
        return Sample(torch.full((3, SIDE, SIDE), 0.5), self.labels[index], f"sample-{index}")


def test_all_that_do_not_match_are_named_with_their_dataset_and_model(tmp_path: Path) -> None:
    datasets = [{"use": Labelled(0, 1, names=["left", "up"]), "label": "mine"}, {"use": Labelled(0, 2), "label": "numbers"}]
    spec = small_spec(datasets=datasets, models=[{"use": pools(), "label": "theirs"}], metrics=["drop"])
    with pytest.raises(harness.SpecError) as caught:
        harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL])
    first, second = str(caught.value).splitlines()
    assert first.startswith("spec: datasets.0: the dataset mine and the model theirs: the model has no class 'up'") and "class_map" in first
    wrong = "1 label is no class of the model, whose classes are 0 to 1 (sample-1: 2)"
    assert second == f"spec: datasets.1: the dataset numbers and the model theirs: {wrong}"
