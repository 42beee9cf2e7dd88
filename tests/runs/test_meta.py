"""Runs whose metrics are evaluated: what is disturbed is really used, everything is resumed, and no rank changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import harness
from harness.api import Case, Sample, metric
from harness.planning.variants import Variant
from harness.results.data_model import Group
from harness.results.run_folder import read_results
from harness.worker.variants import alter_images, alter_model
from tests.support.small import Squares, pools
from tests.support.spec import SMALL, small_spec

META = {"repeats": 2}


@metric(category="faithfulness", direction="higher")
def confidence(case: Case) -> Tensor:
    """Of the target, in the image as it is scored."""
    return case.predict(case.images).softmax(dim=1).gather(1, case.targets[:, None])[:, 0]


@metric(category="complexity", direction="higher")
def brightness(case: Case) -> Tensor:
    """Mean of the image as it is scored."""
    return case.images.mean(dim=(1, 2, 3))


class Unmasked(Squares):
    """Squares without their masks."""

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        return Sample(sample.image, sample.label, sample.id)


def run(folder: Path, **changes: Any) -> Any:
    return harness.run(small_spec(**{"meta": META, **changes}), out=folder / "out", store=folder / "store", plugins=[SMALL])


def variants(folder: Path) -> dict[tuple[str, str | None, int], Group]:
    found = [(group.variant, group) for group in read_results(folder / "out").variants]
    return {(variant.kind, variant.strength, variant.repeat): group for variant, group in found if variant is not None}


def test_what_is_scored_is_the_disturbed_model_on_the_disturbed_images(tmp_path: Path) -> None:
    assert run(tmp_path, metrics=[confidence, brightness]).failures == []
    model, data = pools(), Squares(8, 0)
    samples = [data[k] for k in range(8)]
    images, ids = torch.stack([model.preprocess(sample.image) for sample in samples]), [sample.id for sample in samples]
    before = model(images).argmax(dim=1)
    for (kind, strength, repeat), group in variants(tmp_path).items():
        if kind == "oracle":
            continue
        assert group.variant is not None
        variant = Variant(kind, strength, group.variant.scale, repeat)  # type: ignore[arg-type]
        other, seen = alter_model(model, variant), alter_images(images, ids, model, variant)
        assert (other is model, seen is images) == (kind == "inputs", kind == "weights")
        logits = other(seen)
        targeted = logits.softmax(dim=1).gather(1, before[:, None])[:, 0]
        assert group.cells["slope", "confidence"].values == pytest.approx(targeted.numpy(), abs=1e-5), (kind, strength, repeat)
        assert group.cells["slope", "brightness"].values == pytest.approx(seen.mean(dim=(1, 2, 3)).numpy(), abs=1e-6)
        assert group.variant.kept.tolist() == (logits.argmax(dim=1) == before).tolist()
        assert group.variant.known.all()


def test_explanations_are_of_what_is_disturbed(tmp_path: Path) -> None:
    run(tmp_path)
    found = variants(tmp_path)
    plain = read_results(tmp_path / "out").groups[0].cells["slope", "inside"].values
    minor, disruptive = (found["weights", strength, 1].cells["slope", "inside"].values for strength in ("minor", "disruptive"))
    assert 0 < np.abs(minor - plain).max() < 0.01 < np.abs(disruptive - plain).max()
    contrast = [found["weights", "disruptive", k].cells["contrast", "inside"].values for k in (1, 2)]
    assert np.array_equal(*contrast), "a map that no model has a part in does not change with its weights"


def test_the_oracle_is_scored_like_a_row_and_ranked_nowhere(tmp_path: Path) -> None:
    result = run(tmp_path)
    oracle = variants(tmp_path)["oracle", None, 0]
    assert oracle.cells["oracle", "inside"].values == pytest.approx(np.ones(8))
    assert oracle.cells["oracle", "wobble"].values == pytest.approx(np.zeros(8)), "explained again it says the same"
    assert "oracle" not in {row.label for row in result.leaderboard.groups[0].rows}
    (entry,) = result.leaderboard.meta
    separation = {one.label: one.separation for one in entry.metrics}
    assert separation["inside"].oracle == pytest.approx(1)
    assert separation["inside"].wins == 1
    assert separation["inside"].null == "speckle"


def test_without_masks_there_is_no_oracle(tmp_path: Path) -> None:
    result = run(tmp_path, datasets=[Unmasked(8, 0)], metrics=["drop"], explainers=["slope"])
    assert result.failures == []
    assert {kind for kind, _, _ in variants(tmp_path)} == {"inputs", "weights"}
    assert result.leaderboard.meta[0].metrics[0].separation is None


def test_scores_and_ranks_are_those_of_a_run_without(tmp_path: Path) -> None:
    """Of the headline a metric may be left out that does not tell an oracle from the nulls."""
    having, without = run(tmp_path / "a"), run(tmp_path / "b", meta=None)
    for one, two in zip(having.leaderboard.groups, without.leaderboard.groups, strict=True):
        left_out = dict.fromkeys(("costs", "standings", "categories", "first_share"), True) | {"cells": {"__all__": {"to_oracle"}}}
        plain = [{row.label: row.model_dump(exclude=left_out) for row in group.rows} for group in (one, two)]
        assert plain[0] == plain[1] and len(plain[0]) > 1
    assert without.leaderboard.meta == []
    assert {path.name for path in (tmp_path / "a" / "out").glob("meta.*")} == {"meta.md", "meta.csv", "meta.tex", "meta.html"}
    assert not list((tmp_path / "b" / "out").glob("meta.*"))


def test_again_computes_nothing_and_more_repeats_compute_only_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    monkeypatch.setenv("SMALL_CALLS", str(calls))
    first = run(tmp_path, explainers=["slope"])
    calls.write_text("")
    second = run(tmp_path, explainers=["slope"])
    assert calls.read_text() == ""
    assert second.leaderboard.meta == first.leaderboard.meta
    run(tmp_path, explainers=["slope"], meta={"repeats": 3})
    scored = [line for line in calls.read_text().splitlines() if line.startswith("inside slope")]
    assert len(scored) == 2 * 2 * 8


@pytest.mark.slow
def test_numbers_do_not_depend_on_shards_and_batches(tmp_path: Path) -> None:
    whole = run(tmp_path / "a")
    parts = run(tmp_path / "b", execution={"executor": "inline", "shard": 3, "batch": 2})
    for one, two in zip(whole.leaderboard.meta[0].metrics, parts.leaderboard.meta[0].metrics, strict=True):
        assert one.weights is not None
        assert two.weights is not None
        assert one.weights.iac_ar == pytest.approx(two.weights.iac_ar)
    for key, group in variants(tmp_path / "a").items():
        for pair, cell in variants(tmp_path / "b")[key].cells.items():
            assert cell.values == pytest.approx(group.cells[pair].values, abs=1e-5, nan_ok=True)


def test_a_failure_in_a_variant_is_told(tmp_path: Path) -> None:
    @metric(category="complexity", direction="higher")
    def picky(case: Case) -> Tensor:
        """Takes no image that it does not know."""
        if float(case.images.max()) > 0.95:
            raise ValueError("too bright")
        return case.images.mean(dim=(1, 2, 3))

    result = run(tmp_path, metrics=[picky], explainers=["slope", "contrast"])
    assert {(failure[1], failure[4]) for failure in result.failures} == {
        ("pools (disruptive inputs 1)", "failed"),
        ("pools (disruptive inputs 2)", "failed"),
    }
    (entry,) = result.leaderboard.meta
    assert entry.metrics[0].inputs is not None
    assert entry.metrics[0].inputs.ar is None
    assert entry.metrics[0].weights is not None
