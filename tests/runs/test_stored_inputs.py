"""Samples that are costly to make are made once, and the numbers of a run are the same bits with and without what is kept."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import harness
from tests.support.spec import SMALL, small_spec

PLUGINS = [SMALL, SMALL.with_name("distracted.py"), SMALL.with_name("costly.py")]
INLINE = {"executor": "inline", "shard": 2}
LOCAL = {"executor": "local", "workers": 2, "devices": ["cpu"], "shard": 2, "prefetch": True}
LOOKED_AT = 16  # samples that are made to find out about the dataset: 8, and again to see that they stay as they are
PIECES = 4  # of work on different samples, of each of which one sample is made though it is kept


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COSTLY_MADE", str(tmp_path / "made"))
    return tmp_path / "made"


def count(made: Path) -> int:
    """How many samples were made since this was asked for last."""
    lines = made.read_text().splitlines() if made.exists() else []
    made.unlink(missing_ok=True)
    return len(lines)


def scores(folder: Path, store: str, seed: int = 0, execution: dict[str, Any] = INLINE, **keep: Any) -> list[Any]:
    """All numbers of a run that has no results of its seed in the store, by explainer, metric and sample."""
    metrics = ["distraction", "watched", "inside", "drop"]
    spec = small_spec(
        datasets=["costly"], explainers=["slope"], nulls=["speckle"], metrics=metrics, seed=seed, execution=execution, store=keep
    )
    result = harness.run(spec, out=folder / f"{store}-{seed}", store=folder / store, plugins=PLUGINS)
    assert (result.failures, result.summary["jobs"] > 0) == ([], True)
    columns = [result.scores.column(name).to_pylist() for name in ("explainer", "metric", "sample", "value")]
    rows = [(*names, None if value is None or math.isnan(value) else value.hex()) for *names, value in zip(*columns, strict=True)]
    assert len(rows) == 2 * 4 * 8
    return sorted(rows)


def test_numbers_are_the_same_bits_whatever_was_kept(tmp_path: Path, made: Path) -> None:
    alone = scores(tmp_path, "off", inputs=0)
    assert (count(made) > LOOKED_AT, (tmp_path / "off" / "inputs").exists()) == (True, False)
    assert scores(tmp_path, "on") == alone
    assert count(made) == LOOKED_AT + PIECES
    later = scores(tmp_path, "on", seed=1)
    assert count(made) == PIECES
    assert (scores(tmp_path, "off", seed=1, inputs=0) == later, later != alone) == (True, True)
    count(made)
    kept = [path for path in (tmp_path / "on" / "inputs").rglob("*") if path.is_file()]
    assert len(kept) == 8
    for path in kept:
        path.write_bytes(path.read_bytes()[:-9] + b"damaged!!")
    again = scores(tmp_path, "on", seed=2)
    assert count(made) == 8
    assert scores(tmp_path, "off", seed=2, inputs=0) == again


@pytest.mark.slow
def test_workers_and_their_readers_share_what_one_of_them_made(tmp_path: Path, made: Path) -> None:
    found = scores(tmp_path, "on", execution=LOCAL)
    assert LOOKED_AT + PIECES <= count(made) <= LOOKED_AT + 4 * PIECES
    assert found == scores(tmp_path, "off", inputs=0)


def test_a_bound_is_kept(tmp_path: Path, made: Path) -> None:
    scores(tmp_path, "on", inputs="30K")
    sizes = [path.stat().st_size for path in (tmp_path / "on" / "inputs").rglob("*") if path.is_file()]
    assert 0 < len(sizes) < 8
    assert sum(sizes) <= 30_000
    assert count(made) > LOOKED_AT + PIECES
