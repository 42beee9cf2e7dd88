"""Runs that explain only the best models: ranked by what all predict, chosen alike when they are resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import harness
from harness.api.training import TrainingState
from harness.cli import app
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.training_key import training_key
from harness.planning.trainings import Trainings
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.results.document import Leaderboard, read_leaderboard
from harness.store.store import Store
from harness.worker.component_cache import ComponentCache
from harness.worker.inspection import answer_request
from harness.worker.trained_models import encode_state
from tests.support.promising import seeded
from tests.support.small import Squares, squares
from tests.support.spec import SMALL, small_spec

pytestmark = pytest.mark.slow
PLUGINS = [SMALL, SMALL.with_name("promising.py"), SMALL.with_name("learner.py")]
SIZE = 20
GAINS, SEEDS = ["1.0", "2.0"], range(4)


def spec(keep: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    sweep = {"use": "seeded", "label": "net", "sweep": {"gain": [1.0, 2.0], "seed": {"from": 0, "to": 3}}}
    fields = {"models": [{**sweep, "keep": {"best": 2, "within": ["gain"], **(keep or {})}}], "metrics": ["inside"], "nulls": []}
    data = [{"use": "squares", "params": {"samples": SIZE}}]
    return small_spec(**{**fields, "datasets": data, "explainers": ["slope"], **changes})


def ran(folder: Path, given: dict[str, Any], out: str = "out") -> Leaderboard:
    harness.run(given, out=folder / out, store=folder / "store", plugins=PLUGINS)
    return read_leaderboard((folder / out / "leaderboard.json").read_bytes())


def hits(data: Squares, seed: int, gain: float) -> int:
    """How many samples a model is right on, by itself."""
    model = seeded(seed=seed, gain=gain)
    with torch.no_grad():
        predicted = model(torch.stack([data[k].image for k in range(len(data))])).argmax(dim=1)
    return int((predicted == torch.tensor([data[k].label for k in range(len(data))])).sum())


def best_labels(*data: Squares, best: int = 2) -> Iterator[str]:
    for gain in GAINS:
        ranked = sorted(SEEDS, key=lambda seed: (-sum(hits(one, seed, float(gain)) / len(one) for one in data), seed))
        yield from (f"net gain={gain}, seed={seed}" for seed in sorted(ranked[:best]))


@pytest.mark.parametrize("executor", [{"executor": "inline"}, {"executor": "local", "workers": 2, "devices": ["cpu"]}])
def test_the_best_of_each_level_are_explained_and_all_classify(tmp_path: Path, executor: dict[str, Any]) -> None:
    found = ran(tmp_path, spec(execution=executor))
    assert [group.model for group in found.groups] == list(best_labels(squares(samples=SIZE)))
    assert len({hits(squares(samples=SIZE), seed, 1.0) for seed in SEEDS}) > 1, "or nothing would be ranked"
    (entry,) = found.classification
    assert {model.model for model in entry.models if model.kept} == {group.model for group in found.groups}
    assert len(entry.models) == 8
    assert [len(family.models) for family in entry.families] == [4, 4]
    for model in entry.models:
        assert model.measures["accuracy"] == hits(squares(samples=SIZE), int(model.factors["seed"]), float(model.factors["gain"])) / SIZE
        assert model.measures["auc"] is not None
    assert "explained" in (tmp_path / "out" / "leaderboard.md").read_text()
    assert (tmp_path / "out" / "models.csv").read_text().count(",false\n") == 4


def test_a_run_that_is_resumed_chooses_alike_and_predicts_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ran(tmp_path, spec())
    submitted: list[str] = []
    monkeypatch.setattr("harness.worker.inline.InlineExecutor.submit", lambda self, jobs: submitted.extend(job.id for job in jobs))
    again = ran(tmp_path, spec(), "again")
    assert submitted == []
    assert (again.groups, again.classification) == (first.groups, first.classification)


def test_over_several_data_sets_the_mean_counts_and_the_same_models_are_explained_on_all(tmp_path: Path) -> None:
    data = [{"use": "squares", "label": "a", "params": {"samples": 8}}, {"use": "squares", "label": "b", "params": {"split": "train"}}]
    found = ran(tmp_path, spec(datasets=data))
    expected = list(best_labels(squares(samples=8), squares(split="train", samples=8)))
    assert [(group.dataset, group.model) for group in found.groups] == [(name, label) for name in "ab" for label in expected]


def plan(folder: Path, given: dict[str, Any]) -> str:
    (folder / "spec.yaml").write_text(json.dumps(given))
    plugins = [text for plugin in PLUGINS for text in ("--plugin", str(plugin))]
    done = CliRunner().invoke(app, ["plan", str(folder / "spec.yaml"), "--store", str(folder / "store"), *plugins])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_a_plan_says_how_many_will_be_explained(tmp_path: Path) -> None:
    before = plan(tmp_path, spec())
    assert "net: 4 of 8 models explained, the best 2 of each of 2 levels of gain by test-accuracy; which they are is known when" in before
    ran(tmp_path, spec())
    after = plan(tmp_path, spec())
    assert "the best 2 of each of 2 levels of gain by test-accuracy" in after
    assert "is known when" not in after


def test_a_model_that_cannot_be_trained_is_in_the_leaderboard_with_the_reason(tmp_path: Path) -> None:
    train = {"use": "squares", "params": {"split": "train"}}
    entry = {"use": "learner", "sweep": {"seed": [1, 2, 13]}, "keep": {"best": 1}, "params": {"data": train, "epochs": 2}}
    found = ran(tmp_path, spec(models=[entry]))
    assert len(found.groups) == 2
    (blocked,) = (cell for group in found.groups if group.model == "learner seed=13" for cell in group.rows[0].cells.values())
    assert "thirteen learns nothing" in (blocked.reason or "")
    assert sum(model.kept for model in found.classification[0].models) == 1


def test_the_accuracy_on_validation_data_is_that_of_the_epoch_that_was_kept(tmp_path: Path) -> None:
    registry, store = Registry.discover(PLUGINS), Store(tmp_path / "store")
    facts = RememberedFacts(store, partial(answer_request, ComponentCache(registry)))
    train = {"use": "squares", "params": {"split": "train"}}
    curve = [{"epoch": k, "validation accuracy": value} for k, value in ((1, 0.5), (2, 0.9), (3, 0.7))]
    for seed, (record, expected) in enumerate(
        [({"curve": curve, "kept_epoch": 2}, 0.9), ({"curve": curve}, 0.7), ({"curve": [{"epoch": 1}]}, None), (None, None)]
    ):
        recipe = resolve(registry, "models", {"use": "learner", "params": {"data": train, "seed": seed}})
        if record is not None:
            store.commit_weights(training_key(registry, store, facts, recipe), encode_state(TrainingState({"w": torch.zeros(1)}, record)))
        assert Trainings(registry, store, facts).validation_accuracy(recipe) == expected
    assert Trainings(registry, store, facts).validation_accuracy(resolve(registry, "models", "pools")) is None
