"""A sample of which a map or the logits are not finite: its scores are undefined, it is named, and the others have theirs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import harness
from harness.runs.map_export import export_maps
from tests.support.spec import SMALL, small_spec
from tests.support.spoilt import BAD

PLUGINS = [SMALL, SMALL.with_name("spoilt.py")]


class Logarithm(nn.Module):
    """Its logits are NaN for the sample that is given, and finite for all others."""

    def __init__(self, bad: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("bad", bad)
        self.layer = nn.Linear(3 * 12 * 12, 2)
        nn.init.normal_(self.layer.weight, std=0.05, generator=torch.Generator().manual_seed(0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        distance = (images - self.bad).abs().flatten(1).amax(dim=1, keepdim=True)
        return self.layer(images.flatten(1)) + (distance - 1e-4).log() * 1e-3


def run(folder: Path, **changes: Any) -> harness.RunResult:
    return harness.run(small_spec(**changes), out=folder / "out", store=folder / "store", plugins=PLUGINS)


def scores(found: harness.RunResult) -> dict[tuple[str, str, str], float]:
    return {(row["explainer"], row["metric"], row["sample"]): row["value"] for row in found.scores.to_pylist()}


def assert_undefined(found: Mapping[tuple[str, str, str], float], rows: set[str], expected: Mapping[tuple[str, str, str], float]) -> None:
    """Exactly the bad sample's scores of these rows are NaN, and all others what is expected of them where that is known."""
    undefined = {(row, sample) for (row, _, sample), value in found.items() if np.isnan(value)}
    assert undefined == {(row, BAD) for row in rows}
    for key, value in expected.items():
        if key in found and not np.isnan(found[key]):
            assert found[key] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.slow
def test_a_map_that_is_not_finite_is_undefined_for_its_sample(tmp_path: Path, part: bool) -> None:
    grid: dict[str, Any] = {"metrics": ["inside", "drop"], "nulls": []}
    sound = scores(run(tmp_path / "sound", explainers=["slope"], **grid))
    expected = {("spoilt", metric, sample): value for (_, metric, sample), value in sound.items()}
    bad = {"use": "spoilt", "params": {"part": part}}
    found = run(tmp_path, explainers=[bad], **grid)
    assert found.failures == []
    assert_undefined(scores(found), {"spoilt"}, expected)
    again = run(tmp_path, explainers=[bad], **grid)
    assert (again.failures, again.summary["jobs"]) == ([], 0), "what is undefined is finished"
    more = run(tmp_path, explainers=[bad], **{**grid, "metrics": ["inside", "drop", "wobble"]})
    assert {metric for _, _, _, metric, _, _ in more.failures} <= {"wobble"}
    assert_undefined({key: value for key, value in scores(more).items() if key[1] != "wobble"}, {"spoilt"}, expected)
    if not part:
        maps = export_maps(tmp_path / "out", tmp_path / "maps", tmp_path / "store", PLUGINS)
        assert sorted(line["sample"] for line in maps) == sorted(f"square-{i}" for i in range(8))


def test_what_is_composed_of_an_undefined_map_is_undefined(tmp_path: Path) -> None:
    two = {"use": "both", "params": {"first": {"use": "spoilt"}}}
    for explainers, rows in ([two], {"both"}), (["spoilt", two], {"spoilt", "both"}):  # computed inside, and taken from the store
        spec = small_spec(explainers=explainers, metrics=["drop"], nulls=[])
        found = harness.run(spec, out=tmp_path / "out", store=tmp_path / f"store{len(rows)}", plugins=PLUGINS)
        assert found.failures == []
        assert_undefined(scores(found), rows, {})


def test_logits_that_are_not_finite_are_undefined_for_their_sample(tmp_path: Path) -> None:
    from tests.support.small import Squares

    squares = Squares(8, 0)
    [bad] = [squares[i].image for i in range(8) if squares[i].id == BAD]
    model = harness.classifier(Logarithm(bad), input_shape=(3, 12, 12), class_names=["left", "right"])
    for samples in ("all", "correct"):
        spec = {"models": [model], "explainers": ["slope"], "metrics": ["drop"], "explain": {"samples": samples}, "nulls": ["speckle"]}
        found = run(tmp_path, **spec)
        assert found.failures == []
        assert_undefined(scores(found), {"slope", "speckle"}, {})
    again = run(tmp_path, **spec)
    assert (again.failures, again.summary["jobs"]) == ([], 0)


def test_who_is_undefined_is_said(tmp_path: Path) -> None:
    found = run(tmp_path, explainers=["spoilt"], metrics=["drop"], nulls=[])
    said = " ".join(map(str, found.summary.get("notes", []))) + (tmp_path / "out" / "journal.jsonl").read_text()
    assert f"the maps of spoilt are not finite for 1 of 8 samples, which has no scores: {BAD}" in said
