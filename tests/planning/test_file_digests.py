"""The content of the files that parameters name is in keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

import harness
from harness.api import Case, metric
from tests.support.spec import SMALL, small_spec


@metric(category="randomisation", direction="higher")
def written(case: Case, *, checkpoint: Path | None = None, more: list[Path] = [], words: str = "") -> torch.Tensor:  # noqa: B006
    """The sum of the numbers in files."""
    files = [*more, *([] if checkpoint is None else [checkpoint])]
    return torch.full((len(case.images),), sum(float(file.read_text()) for file in files))


def mean(folder: Path, **params: Any) -> tuple[float, int]:
    """The score, and how many jobs it took."""
    spec = small_spec(explainers=["slope"], nulls=[], metrics=[{"use": written, "params": params}])
    result = harness.run(spec, out=folder / "out", store=folder / "store", plugins=[SMALL])
    (row,) = result.leaderboard.groups[0].rows
    return row.cells["written"].mean, result.summary["jobs"]


def test_a_changed_file_is_scored_again_and_a_touched_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "weights"
    file.write_text("1")
    assert mean(tmp_path, checkpoint=str(file)) == (1, 1)
    os.utime(file, (1, 1))
    assert mean(tmp_path, checkpoint=str(file)) == (1, 0)
    file.write_text("2")
    assert mean(tmp_path, checkpoint=str(file)) == (2, 1)
    monkeypatch.chdir(tmp_path)
    assert mean(tmp_path, words="weights") == (0, 1)
    file.write_text("3")
    assert mean(tmp_path, words="weights") == (0, 0), "a text that is no path names no file"


def test_the_files_of_a_list_count_too(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    for file in files:
        file.write_text("1")
    assert mean(tmp_path, more=list(map(str, files))) == (2, 1)
    files[1].write_text("2")
    assert mean(tmp_path, more=list(map(str, files))) == (3, 1)
