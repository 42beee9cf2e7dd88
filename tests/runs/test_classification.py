"""Classification of whole runs: what the leaderboard says of models is what the models answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn import metrics
from typer.testing import CliRunner

import harness
from harness.api.classifiers import Classifier
from harness.cli import app
from harness.leaderboard.merge import merge_results
from harness.results.classification_document import ClassificationEntry
from harness.results.document import read_leaderboard
from harness.results.run_folder import read_results
from tests.support.promising import seeded
from tests.support.small import squares
from tests.support.spec import SMALL, small_spec

pytestmark = pytest.mark.slow
PLUGINS = [SMALL, SMALL.with_name("promising.py")]
SEEDS = {"use": "seeded", "label": "net", "sweep": {"gain": [1.0, 2.0], "seed": {"from": 0, "to": 2}}}
SIZE = 12


def spec(**changes: Any) -> dict[str, Any]:
    fields = {"metrics": ["inside"], "explainers": ["slope"], "models": [SEEDS], "nulls": []}
    return small_spec(**{**fields, "datasets": [{"use": "squares", "params": {"samples": SIZE}}], **changes})


def entry(folder: Path) -> ClassificationEntry:
    (found,) = read_leaderboard((folder / "leaderboard.json").read_bytes()).classification
    return found


def answers(model: Classifier) -> tuple[list[int], torch.Tensor]:
    """Labels and probabilities, by the model itself."""
    data = squares(samples=SIZE)
    with torch.no_grad():
        logits = model(torch.stack([data[k].image for k in range(SIZE)]))
    return [data[k].label for k in range(SIZE)], model.probabilities(logits).double()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run of six models, of which only the samples that they classify correctly count."""
    folder = tmp_path_factory.mktemp("classified")
    harness.run(spec(explain={"samples": "correct"}), out=folder / "out", store=folder / "store", plugins=PLUGINS)
    return folder


def test_measures_are_of_what_the_models_answer(folder: Path) -> None:
    found = entry(folder / "out")
    assert [model.model for model in found.models] == [f"net gain={gain}, seed={seed}" for gain in ("1.0", "2.0") for seed in range(3)]
    wrong = 0
    for model in found.models:
        labels, probabilities = answers(seeded(seed=int(model.factors["seed"]), gain=float(model.factors["gain"])))
        predicted = probabilities.argmax(dim=1)
        wrong += int((predicted != torch.tensor(labels)).sum())
        assert model.samples == SIZE, "those that do not count are in it"
        assert model.measures["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
        assert model.measures["f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
        assert model.measures["auc"] == pytest.approx(metrics.roc_auc_score(labels, probabilities[:, 1]))
    assert wrong
    assert [(family.name, len(family.models), family.factors) for family in found.families] == [
        (f"net gain={gain}", 3, {"gain": gain}) for gain in ("1.0", "2.0")
    ]
    assert found.comparisons[0].over_seeds["accuracy"].pairs == 3


def test_it_is_shown_where_there_are_several_models(folder: Path) -> None:
    assert "classification by 6 models" in (folder / "out" / "leaderboard.md").read_text()
    lines = (folder / "out" / "models.csv").read_text().splitlines()
    assert len(lines) == 7
    assert lines[1].startswith('squares,"net gain=1.0, seed=0",net gain=1.0,0,12,')
    asked = CliRunner().invoke(app, ["leaderboard", str(folder / "out"), "--models"])
    assert asked.exit_code == 0
    assert "seeds" in asked.output
    assert "skill" not in asked.output
    twice = CliRunner().invoke(app, ["leaderboard", str(folder / "out"), "--models", "--compare", "a", "b"])
    assert "--models and --compare are 2 questions" in twice.output


def test_one_model_is_not_shown_as_a_table(tmp_path: Path) -> None:
    harness.run(spec(models=["pools"]), out=tmp_path / "out", store=tmp_path / "store", plugins=PLUGINS)
    assert entry(tmp_path / "out").models[0].measures["accuracy"] == 1
    assert "classification" not in (tmp_path / "out" / "leaderboard.md").read_text()
    assert not (tmp_path / "out" / "models.csv").exists()
    assert "accuracy" in CliRunner().invoke(app, ["leaderboard", str(tmp_path / "out"), "--models"]).output


def test_a_folder_keeps_what_was_predicted_and_merges_it(folder: Path) -> None:
    results = read_results(folder / "out")
    merged = merge_results([results, results])
    for group, whole in zip(results.groups, merged.groups, strict=True):
        assert group.predictions is not None
        assert whole.predictions is group.predictions
        assert (group.predictions.correct == group.correct).all()
        assert group.predictions.names == ["left", "right"]


def test_predictions_without_probabilities_are_completed_when_something_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier version kept none. Nothing is predicted again for their sake alone."""

    def run(out: str, *explainers: str) -> ClassificationEntry:
        harness.run(spec(explainers=list(explainers)), out=tmp_path / out, store=tmp_path / "store", plugins=PLUGINS)
        return entry(tmp_path / out)

    with monkeypatch.context() as patch:
        patch.setattr("harness.worker.job_inputs.MOST_CLASSES", 0)
        run("old", "slope")
    cached = run("cached", "slope").models[1]
    assert cached.measures["accuracy"] is not None
    assert "kept no probabilities" in cached.undefined["auc"]
    labels, probabilities = answers(seeded(seed=1))
    found = run("new", "slope", "speckle").models[1]
    assert found.measures["auc"] == pytest.approx(metrics.roc_auc_score(labels, probabilities[:, 1]))
    assert found.measures["accuracy"] == cached.measures["accuracy"]
