"""Ground truth of kinds that the core does not know, from a dataset through a whole run to a metric, and what is said if it is lacking."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import harness
from harness.api.declarations import Kind
from harness.conformance.run import put_under_test, run_check
from harness.conformance.suite import list_checks
from harness.registry.registry import Registry
from tests.support.distracted import FIRST, Distracted, distraction, watched
from tests.support.small import pools, slope
from tests.support.spec import SMALL, small_spec

PLUGINS = [SMALL, SMALL.with_name("distracted.py")]
OTHERS = "8 have distractors, 8 have quarters, 8 have gaze"
EXECUTORS = {"inline": {"executor": "inline"}, "local": {"executor": "local", "workers": 1, "devices": ["cpu"], "shard": 2}}


def run(folder: Path, **changes: Any) -> Any:
    spec = small_spec(
        **{"explainers": ["slope"], "nulls": [], "datasets": ["distracted"], "metrics": ["distraction", "watched"], **changes}
    )
    return harness.run(spec, out=folder / "out", store=folder / "store", plugins=PLUGINS)


def scores(result: Any) -> dict[tuple[str, str], float]:
    columns = [result.scores.column(name).to_pylist() for name in ("metric", "sample", "value")]
    return {(metric, sample): math.nan if value is None else value for metric, sample, value in zip(*columns, strict=True)}


def expected() -> dict[tuple[str, str], float]:
    """Both scores, computed by hand at the model's size, which is half the images'."""
    model, data, found = pools(), Distracted(8, 0), {}
    for place in range(8):
        sample = data[place]
        found |= {("distraction", sample.id): math.nan, ("watched", sample.id): math.nan}
        if place < FIRST:
            continue
        image = model.preprocess(sample.image)[None]
        target = model(image).argmax(dim=1)
        mass = slope(model, image, target, ctx=harness.api.Context(0, [sample.id])).sum(dim=1)[0].detach().double().numpy()
        distractors, gaze = (sample.evidence[name][1::2, 1::2].numpy() for name in ("distractors", "gaze"))
        found["distraction", sample.id] = (np.abs(mass) * distractors).sum() / np.abs(mass).sum()
        found["watched", sample.id] = len(sample.evidence["quarters"]) + np.corrcoef(gaze.ravel(), mass.ravel())[0, 1] / 10
    return found


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_kind_nobody_knew_goes_from_the_dataset_to_the_metric(executor: str, tmp_path: Path) -> None:
    """Some jobs of ``local`` have no sample with distractors: their scores are undefined, as everywhere."""
    result = run(tmp_path, execution=EXECUTORS[executor])
    assert result.failures == []
    found, right = scores(result), expected()
    assert found.keys() == right.keys()
    assert [found[key] for key in right] == pytest.approx(list(right.values()), rel=1e-5, nan_ok=True)
    assert run(tmp_path, execution=EXECUTORS[executor]).summary["jobs"] == 0


def test_a_dataset_without_it_makes_the_metric_not_applicable(tmp_path: Path) -> None:
    result = run(tmp_path, datasets=["squares"])
    assert {(state, reason) for *_, state, reason in result.failures} == {
        ("not-applicable", "needs distractors, and the dataset has none"),
        ("not-applicable", "needs gaze, and the dataset has none"),
    }


def test_by_hand_it_is_given_by_name() -> None:
    model, data = pools(), Distracted(8, 0)
    samples = [data[place] for place in range(FIRST, 8)]
    images = torch.stack([model.preprocess(sample.image) for sample in samples])
    maps = harness.attribute(slope, model, images, [0] * 4)
    at_size = {name: [sample.evidence[name][..., 1::2, 1::2] for sample in samples] for name in samples[0].evidence}
    found = harness.score(distraction, model, images, [0] * 4, maps, evidence={"distractors": at_size["distractors"]})
    assert torch.isfinite(found).all()
    assert harness.score(watched, model, images, [0] * 4, maps, evidence=at_size).round().tolist() == [2, 3, 4, 5]
    one = harness.score(distraction, model, images[1], 0, maps[1], evidence={"distractors": at_size["distractors"][1].numpy()})
    assert one.tolist() == found[1:2].tolist()
    with pytest.raises(ValueError, match=r"needs distractors, and none are given \(masks=, boxes=, evidence=\)"):
        harness.score(distraction, model, images, [0] * 4, maps)
    with pytest.raises(ValueError, match=r"distractors must be real \(12, 12\) or \(K, 12, 12\), .* not torch.float32 \(3, 3\)"):
        harness.score(distraction, model, images, [0] * 4, maps, evidence={"distractors": torch.ones(4, 3, 3)})
    with pytest.raises(ValueError, match="evidence has mask too"):
        harness.score(distraction, model, images, [0] * 4, maps, masks=at_size["mask"], evidence=at_size)


@pytest.mark.parametrize(
    ("kind", "name", "check", "said"),
    [
        ("metrics", "distraction", "check_scores", ""),
        ("metrics", "distraction", "check_no_other_evidence", ""),
        ("metrics", "distraction", "check_no_mask", "needs no masks"),
        ("datasets", "distracted", "check_evidence", f"12 of 12 samples have masks, 0 have boxes, {OTHERS}"),
    ],
)
def test_conformance_gives_a_metric_what_it_needs(kind: Kind, name: str, check: str, said: str) -> None:
    registry = Registry.discover(PLUGINS)
    chosen = next(one for one in list_checks(kind) if one.name == check)
    result = run_check(chosen, put_under_test(registry, registry.known(kind, name)))
    assert (result.status != "failed", result.message) == (True, said)
