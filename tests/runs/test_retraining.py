"""A metric that has networks trained for each explainer, in a run: trained once, before anything is scored, and told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
from harness.store.store import Store

NETWORK = {
    "use": "trained",
    "params": {"arch": "digits-cnn", "data": {"use": "digits", "params": {"split": "train", "samples": 200}}, "epochs": 1},
}
SPEC: dict[str, Any] = {
    "name": "retraining",
    "datasets": [{"use": "digits", "params": {"samples": 12}}],
    "models": ["digits-cnn"],
    "explainers": ["gradient", "input-x-gradient"],
    "nulls": ["random-model"],
    "metrics": [{"use": "roar", "params": {"shares": [0.4], "network": NETWORK}}],
    "execution": {"executor": "inline"},
}


@pytest.mark.slow
def test_each_explainer_has_its_networks_and_scores(tmp_path: Path) -> None:
    place = tmp_path / "store"
    first = harness.run(SPEC, store=place, out=tmp_path / "first")
    recipes = [each.record["recipe"]["params"] for each in Store(place).trainings()]
    assert sorted(params["explainer"]["use"] for params in recipes) == ["gradient", "input-x-gradient"]
    assert all(params["explained"]["use"] == "digits-cnn" and params["removed"] == 0.4 for params in recipes)
    scores = {name: np.asarray(first.scores.where(explainer=name, metric="roar").values) for name in ("gradient", "input-x-gradient")}
    assert all(set(values.tolist()) <= {0.0, 1.0} and len(values) == 12 for values in scores.values())
    written = (tmp_path / "first" / "leaderboard.md").read_text()
    assert "networks are trained again for explainers of the model as it is alone" in written, "a random model has none"

    trained_at = {path: path.stat().st_mtime_ns for path in place.rglob("*.safetensors")}
    again = harness.run(SPEC | {"explainers": ["input-x-gradient"]}, store=place, out=tmp_path / "second")
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.safetensors")} == trained_at and trained_at
    assert np.array_equal(np.asarray(again.scores.where(explainer="input-x-gradient", metric="roar").values), scores["input-x-gradient"])
