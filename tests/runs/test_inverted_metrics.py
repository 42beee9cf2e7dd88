"""`inverted: true` of a metric: from the spec through a run to the leaderboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
from harness.api import Context, metric
from harness.leaderboard.bibliography import render_bibliography
from harness.registry.registry import Registry
from harness.results.run_folder import read_results
from harness.spec.load import load_spec
from harness.spec.problems import SpecError
from harness.worker.component_cache import ComponentCache
from harness.worker.inspection import metric_passes
from tests.support.small import pools, slope, squares
from tests.support.spec import SMALL, small_spec

METRICS: list[Any] = ["inside", {"use": "inside", "inverted": True}, {"use": "drop", "inverted": True, "label": "gap"}]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover([SMALL])


def run(folder: Path, **changes: Any) -> Any:
    spec = small_spec(**{"explainers": ["slope", "speckle"], "nulls": [], "metrics": METRICS, **changes})
    return harness.run(spec, out=folder / "out", store=folder / "store", plugins=[SMALL])


def test_a_run_of_inverted_metrics(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.failures == []
    labels = result.scores.labels("metric")
    assert labels == ["inside", "inside (QGE)", "gap"]
    plain, gap = (result.scores.where(metric=name).values for name in labels[:2])
    assert np.isfinite(gap).all() and (np.abs(gap) <= 1).all() and not np.allclose(plain, gap)
    document = json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    found = {info["label"]: info for info in document["groups"][0]["metrics"]}
    assert [found[name]["inverted"] for name in labels] == [False, True, True]
    assert [found[name]["bounds"] for name in labels] == [[0, 1], [-1, 1], [None, None]]
    assert [found[name]["direction"] for name in labels] == ["higher", "higher", "lower"]
    text = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "inside (QGE)" in text and "inside (QGE), gap: the score minus that of the inverted map" in text
    assert "eirasfranco2025inverse" in render_bibliography(read_results(tmp_path / "out"))


def test_gaps_are_columns_of_their_own_that_are_stored(tmp_path: Path) -> None:
    first = run(tmp_path, metrics=["inside"])
    both = run(tmp_path, metrics=METRICS[:2])
    again = run(tmp_path, metrics=METRICS[:2])
    np.testing.assert_array_equal(first.scores.values, both.scores.where(metric="inside").values)
    np.testing.assert_array_equal(both.scores.values, again.scores.values)
    assert "eirasfranco2025inverse" not in render_bibliography(first.results)


def test_a_gap_is_what_swapping_by_hand_gives(tmp_path: Path) -> None:
    result = run(tmp_path, explainers=["slope"])
    scores = result.scores.where(metric="inside (QGE)")
    found = dict(zip(scores["sample"].to_pylist(), scores.values.tolist(), strict=True))
    model, data, expected = pools(), squares(), {}
    for sample in map(data.__getitem__, range(8)):
        image = model.preprocess(sample.image)[None]
        maps = slope(model, image, model(image).argmax(dim=1), ctx=Context(0, [sample.id])).sum(dim=1).detach().numpy().ravel()
        inverse = np.empty_like(maps)
        inverse[np.argsort(maps)] = np.sort(maps)[::-1]
        shares = [np.abs(values)[sample.mask.numpy().ravel()].sum() / np.abs(values).sum() for values in (maps, inverse)]
        expected[sample.id] = shares[0] - shares[1]
    assert found == pytest.approx(expected, abs=1e-5) and len(found) == 8


def test_a_plan_says_twice_the_passes() -> None:
    @metric(category="faithfulness", direction="lower", passes=3)
    def asked(case: Any) -> Any:
        return case.attributions.flatten(1).sum(dim=1)

    registry = Registry.discover([SMALL])
    registry.add("metrics", "asked", asked)
    loaded = load_spec(small_spec(metrics=["asked", {"use": "asked", "inverted": True}]), registry)
    assert [metric_passes(ComponentCache(registry), recipe) for recipe in loaded.recipes.metrics] == [3, 6]


def test_the_resolved_spec_says_so_and_runs_again(registry: Registry) -> None:
    loaded = load_spec(small_spec(metrics=METRICS), registry)
    again = load_spec(loaded.resolved(), registry)
    assert again.recipes == loaded.recipes and [metric.inverted for metric in again.recipes.metrics] == [False, True, True]
    assert "inverted: true" in loaded.to_yaml() and len({metric.digest for metric in loaded.recipes.metrics}) == 3
    not_inverted = load_spec(small_spec(metrics=[{"use": "inside", "inverted": False}]), registry)
    assert not_inverted.recipes.metrics[0] == loaded.recipes.metrics[0]


def test_overrides_keep_it(registry: Registry) -> None:
    overrides = [{"metric": "*(QGE)", "explainer": "slope", "params": {}}, {"metric": "gap", "params": {}}]
    loaded = load_spec(small_spec(metrics=METRICS, overrides=overrides), registry)
    inverted = loaded.recipes.metrics[1]
    assert loaded.recipe_for("metrics", inverted, explainer="slope") == inverted


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"use": "wobble", "inverted": True}, "wobble cannot be inverted: it explains again"),
        ({"use": "inside", "inverted": "yes"}, "true or false"),
        ({"use": "inside", "params": {"inverted": True}}, "write inverted beside params"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(entry: dict[str, Any], message: str, registry: Registry) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        load_spec(small_spec(metrics=["drop", entry]), registry)
    assert "metrics[1]" in str(caught.value) or "metrics.1" in str(caught.value)


def test_a_sweep_of_an_inverted_metric_says_so() -> None:
    swept = [{"use": "session/asked", "sweep": {"steps": [1, 2]}, **more} for more in ({}, {"inverted": True})]

    def asked(case: Any, *, steps: int = 1) -> Any:
        return case.attributions.flatten(1).sum(dim=1) * steps

    registry = Registry.discover([SMALL])
    registry.add("metrics", "asked", asked)
    metrics = load_spec(small_spec(metrics=swept), registry).recipes.metrics
    assert [recipe.label for recipe in metrics] == ["asked steps=1", "asked steps=2", "asked (QGE) steps=1", "asked (QGE) steps=2"]
    assert [recipe.inverted for recipe in metrics] == [False, False, True, True]


@pytest.mark.parametrize("key", ["datasets", "models", "explainers"])
def test_only_metrics_are_inverted(key: str, registry: Registry) -> None:
    (given, *_) = small_spec()[key]
    entry = {**(given if isinstance(given, dict) else {"use": given}), "inverted": True}
    with pytest.raises(SpecError, match="unknown key"):
        load_spec(small_spec(**{key: [entry]}), registry)
