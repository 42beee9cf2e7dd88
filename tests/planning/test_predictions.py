"""What is known of a model before it is known whether it is explained: its accuracy, and what it has yet to predict."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.planning.predictions import SHARD, accuracy_on, prediction_jobs
from harness.store.sample_alignment import MaskedColumn


def group(size: int) -> Any:
    rows = [(f"s{k}", f"d{k}") for k in range(size)]
    subject = SimpleNamespace(prediction_key="key")
    return SimpleNamespace(subject=subject, samples=rows, rows=rows, model=SimpleNamespace(label="net"))


def store(correct: list[float | None]) -> Any:
    """One that knows of each sample whether it was predicted correctly, or (None) nothing."""
    values = np.asarray([np.nan if value is None else value for value in correct])
    column = MaskedColumn(values, ~np.isnan(values))
    return SimpleNamespace(known=lambda key, samples: {key: {"correct": column, "predicted": column}})


@pytest.mark.parametrize(("correct", "accuracy"), [([1, 0, 0, 1], 0.5), ([1, 1, None, 1], None), ([None] * 4, None), ([], None)])
def test_an_accuracy_is_known_when_all_samples_are_predicted(correct: list[float | None], accuracy: float | None) -> None:
    assert accuracy_on(group(len(correct)), store(correct)) == accuracy


def test_what_nobody_has_predicted_is_not_known_and_nor_is_what_cannot_be() -> None:
    empty = SimpleNamespace(known=lambda key, samples: {})
    assert accuracy_on(group(3), empty) is None
    assert accuracy_on(SimpleNamespace(subject=None, rows=[1]), empty) is None  # type: ignore[arg-type]


def test_what_is_missing_alone_is_predicted_in_shards_of_one_run() -> None:
    correct: list[float | None] = [1.0 if k % 10 == 0 else None for k in range(SHARD * 2)]
    first, second = (group(len(correct)) for _ in range(2))
    jobs = prediction_jobs([first, second, SimpleNamespace(subject=None)], store(correct))  # type: ignore[list-item]
    missing = [row for row, value in zip(first.rows, correct, strict=True) if value is None]
    assert [row for job in jobs[:2] for row in job.rows] == missing
    assert [len(job.rows) for job in jobs] == [SHARD, len(missing) - SHARD] * 2
    assert len({job.id for job in jobs}) == 4
