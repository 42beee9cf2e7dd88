"""Trainings of runs: planned, done before what needs them, once each, and blamed where they fail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.dispatch.executor import Executor
from harness.planning.facts import Unavailable
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.trainings import PlannedTraining, Trainings
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.results.run_folder import read_results
from harness.runs.training import TrainingReporter, format_entry, train_all
from harness.runs.training_display import draw_curve
from harness.store.store import Store
from harness.worker.component_cache import ComponentCache
from harness.worker.dataset_inspection import ReadingCounter
from harness.worker.inspection import answer_request
from harness.worker.trained_models import TrainedModels
from tests.support.spec import SMALL, small_spec

PLUGINS = [SMALL, SMALL.with_name("learner.py")]
TRAIN = {"use": "squares", "params": {"split": "train"}}


def learner(label: str = "learner", **params: Any) -> dict[str, Any]:
    return {"use": "learner", "label": label, "params": {"data": TRAIN, **params}}


def nested(**params: Any) -> dict[str, Any]:
    return {"use": "learner", "params": {"data": TRAIN, **params}}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover(PLUGINS)


class Told(TrainingReporter):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def begin(self, trainings: Any) -> None:
        self.heard += [f"{training.label} {training.level}: {training}" for training in trainings]

    def epoch(self, training: PlannedTraining, entry: Mapping[str, float]) -> None:
        self.heard.append(f"{training.label} {entry['epoch']}")

    def end(self, training: PlannedTraining, failure: str | None) -> None:
        self.heard.append(f"{training.label} {failure or 'done'}")


class Here:
    """An executor that trains in this process, and notes what it is told to expect."""

    def __init__(self, registry: Registry, store: Store) -> None:
        components = ComponentCache(registry)
        self.models = TrainedModels(components, lambda: store, on_demand=False)
        self.facts = RememberedFacts(store, lambda request: answer_request(components, request))
        self.expected: list[int] = []

    def watch(self, trained: Any) -> None:
        self.trained = trained

    def expect(self, requests: Any) -> None:
        self.expected.append(len(requests))

    def ask(self, request: Mapping[str, Any]) -> Any:
        self.models.tell_epoch = lambda entry: self.trained(request, entry)
        try:
            return self.models.answer(request)
        except Exception as error:
            raise Unavailable(str(error)) from error


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def recipes(registry: Registry, *references: dict[str, Any]) -> list[Recipe]:
    return [resolve(registry, "models", reference) for reference in references]


def train(registry: Registry, store: Store, *references: dict[str, Any]) -> tuple[list[PlannedTraining], list[str], dict[str, str], Here]:
    here, told = Here(registry, store), Told()
    planned = Trainings(registry, store, here.facts).to_do(recipes(registry, *references))
    executor: Executor = here  # type: ignore[assignment]
    failed = train_all(executor, planned, told, lambda what, error: None)
    return planned, told.heard, failed, here


def test_what_another_begins_with_is_trained_before_it_and_each_once(registry: Registry, store: Store) -> None:
    first = nested(seed=1, epochs=2)
    models = [
        learner("c", start=nested(seed=2, epochs=1, start=first)),
        learner("b", start=first, epochs=1),
        learner("a", seed=5, epochs=1),
    ]
    planned, heard, failed, here = train(registry, store, *models)
    assert failed == {}
    assert [(each.label, each.level, each.epochs) for each in planned] == [
        ("learner (2)", 0, 2),
        ("learner", 1, 1),
        ("c", 2, 4),
        ("b", 1, 1),
        ("a", 0, 1),
    ]
    assert here.expected == [2, 2, 1]
    order = [line for line in heard if line.endswith("done")]
    assert order == ["learner (2) done", "a done", "learner done", "b done", "c done"], "each has a name of its own, by which a plan has it"
    assert [line for line in heard if line.startswith("c ") and line[2:].isdigit()] == ["c 1", "c 2", "c 3", "c 4"]
    assert train(registry, store, *models)[:2] == ([], [])


def test_what_begins_with_a_training_that_failed_is_not_begun(registry: Registry, store: Store) -> None:
    bad = nested(seed=13)
    planned, heard, failed, _ = train(registry, store, learner("after", start=bad), learner("alone", epochs=1))
    reasons = {each.label: failed.get(each.key) for each in planned}
    assert reasons == {
        "learner": "the training failed: thirteen learns nothing",
        "after": "the training of a model that it begins with failed",
        "alone": None,
    }
    assert "after 1" not in heard
    trainings = Trainings(registry, store, Here(registry, store).facts, failed)
    with pytest.raises(Unavailable, match="the training of a model that it begins with failed"):
        trainings.lacking(recipes(registry, learner("after", start=bad))[0])


def test_a_plan_says_how_much_there_is_and_how_long_it_may_take(registry: Registry, store: Store) -> None:
    """By the rate of the recipe that has most parameters in common: 0.5 s an epoch are what the first one says of itself."""
    here = Here(registry, store)
    (unknown,) = Trainings(registry, store, here.facts).to_do(recipes(registry, learner(epochs=6)))
    assert (unknown.epochs, unknown.images, unknown.done, unknown.seconds) == (6, 8, 0, None)
    assert str(unknown) == "6 epochs of 8 images"
    train(registry, store, learner(epochs=2))
    record = store.trainings()[0].record
    (known,) = Trainings(registry, store, here.facts).to_do(recipes(registry, learner(epochs=6)))
    assert known.seconds == pytest.approx(record["seconds"] / 2 * 6)
    content = store.weights(store.trainings()[0].key)
    assert content is not None
    store.keep_checkpoint(known.key, content)
    (begun,) = Trainings(registry, store, here.facts).to_do(recipes(registry, learner(epochs=6)))
    assert (begun.done, begun.seconds) == (2, pytest.approx(record["seconds"] / 2 * 4))
    assert "6 epochs of 8 images, 2 of them done, about" in str(begun)


def test_weights_that_are_not_there_are_no_work_of_a_job(registry: Registry, store: Store) -> None:
    here = Here(registry, store)
    with pytest.raises(ValueError, match="learner is not trained, or its weights are gone; run again"):
        here.models.components.model(recipes(registry, learner())[0])


def test_a_worker_that_reads_the_data_itself_tells_of_it(registry: Registry, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would seem to hang where reading takes longer than it may be silent: here nobody has asked for what the key is made of."""
    monkeypatch.setattr("harness.worker.trained_models.ReadingCounter", partial(ReadingCounter, every=0.0))
    here, told = Here(registry, store), []
    here.watch(lambda request, entry: None)
    here.models.tell = lambda done, of: told.append((done, of))
    here.ask({"ask": "train", "recipe": recipes(registry, learner(epochs=1))[0].to_json()})
    assert told == [*((done, 8) for done in range(8)), (8, 8)], "eight samples read, and eight seen in one epoch"


def test_numbers_of_an_epoch_in_words(registry: Registry) -> None:
    training = PlannedTraining(recipes(registry, learner())[0], "k", 30, 8)
    entry = {"epoch": 3, "rate": 0.1, "loss": 0.41234, "accuracy": 0.86, "validation loss": 0.5, "validation accuracy": 0.9123}
    said = "epoch 3 of 30, loss 0.412, accuracy 0.8600, validation loss 0.500, validation accuracy 0.9123"
    assert format_entry(training, entry) == said


def test_a_curve_is_drawn_from_its_least_value_to_its_greatest() -> None:
    assert draw_curve([3, 2, 1, 8]) == "▃▂▁█"
    assert draw_curve([1, 1]) == "▁▁"
    assert draw_curve([]) == ""
    assert draw_curve(list(range(100)), 8) == "▁▂▃▄▅▆▇█"


def invoke(folder: Path, spec: dict[str, Any] | None, *command: str) -> Any:
    arguments = [*command]
    if spec is not None:
        (folder / "spec.yaml").write_text(json.dumps(spec))
        arguments += [str(folder / "spec.yaml"), *(text for plugin in PLUGINS for text in ("--plugin", str(plugin)))]
    return CliRunner().invoke(app, [*arguments, "--store", str(folder / "store")])


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    calls = tmp_path / "calls"
    monkeypatch.setenv("SMALL_CALLS", str(calls))
    out = ["--out", str(tmp_path / "out")]
    spec = small_spec(
        models=["pools", learner("good", epochs=2), learner("bad", seed=13)], explainers=["slope"], metrics=["inside"], nulls=[]
    )
    planned = invoke(tmp_path, spec, "plan")
    assert "trained first: good: 2 epochs of 16 images" in planned.output.replace("8 images", "16 images")
    assert "1 cell to do, 0 cached, 0 without a number, 2 once their models are trained" in " ".join(planned.output.split())
    checked = invoke(tmp_path, spec, "validate")
    assert (checked.exit_code, checked.output.splitlines()[0].endswith("valid (1 dataset, 3 models, 1 explainer, 1 metric)")) == (0, True)
    assert not calls.exists()

    trained = invoke(tmp_path, spec, "train", *out)
    assert trained.exit_code == 1
    assert "good: epoch 2 of 2, loss" in trained.output
    assert "failed: bad: the training failed: ValueError: thirteen learns nothing" in trained.output
    epochs = [line for line in calls.read_text().splitlines() if line.startswith("epoch")]
    assert epochs == ["epoch 1 of seed 0", "epoch 2 of seed 0"]
    assert not (tmp_path / "out" / "leaderboard.json").exists()

    (listed,) = json.loads(invoke(tmp_path, None, "models", "--json").stdout)
    assert (listed["finished"], listed["record"]["label"], len(listed["record"]["curve"])) == (True, "good", 2)
    assert listed["record"]["recipe"]["params"]["data"] == {"use": "squares", "params": {"split": "train", "samples": 8}}
    assert "good" in invoke(tmp_path, None, "models").output

    spec["models"] = spec["models"][:2]
    assert invoke(tmp_path, spec, "run", *out).exit_code == 0
    assert [line for line in calls.read_text().splitlines() if line.startswith("epoch")] == epochs
    groups = json.loads((tmp_path / "out" / "leaderboard.json").read_text())["groups"]
    assert [group["model"] for group in groups] == ["pools", "good"]
    assert invoke(tmp_path, spec, "train", *out).output.strip().endswith("nothing to train: no model of the spec lacks its weights")


def test_data_that_cannot_be_had_are_told_of(tmp_path: Path) -> None:
    spec = small_spec(models=[learner(data={"use": "squares", "params": {"samples": 0}})])
    trained = invoke(tmp_path, spec, "train", "--out", str(tmp_path / "out"))
    assert trained.exit_code == 1
    assert "cannot be had: reading squares: SampleError: the dataset squares has no samples" in " ".join(trained.output.split())
    assert "nothing to train" not in trained.output


def test_a_training_that_fails_costs_its_own_groups(tmp_path: Path) -> None:
    spec = small_spec(models=["pools", learner("bad", seed=13)], explainers=["slope"], metrics=["inside"], nulls=[])
    done = invoke(tmp_path, spec, "run", "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "the model bad cannot be trained: the training failed: ValueError: thirteen learns nothing" in done.output
    groups = json.loads((tmp_path / "out" / "leaderboard.json").read_text())["groups"]
    states = {group["model"]: [cell["status"] for row in group["rows"] for cell in row["cells"].values()] for group in groups}
    assert states == {"pools": ["ok"], "bad": ["blocked"]}
    assert "thirteen learns nothing" in (tmp_path / "out" / "failures.log").read_text()


def test_what_was_swept_are_factors_of_groups_and_rows(tmp_path: Path) -> None:
    models = [{"use": "learner", "sweep": {"seed": [0, 1], "epochs": [1]}, "params": {"data": TRAIN}}]
    datasets = [{"use": "squares", "sweep": {"samples": [4]}, "params": {}}]
    explainers = [{"use": "slope", "sweep": {"pause": [0, 0.01]}}]
    spec = small_spec(datasets=datasets, models=models, explainers=explainers, metrics=["inside"], nulls=[])
    assert invoke(tmp_path, spec, "run", "--out", str(tmp_path / "out")).exit_code == 0
    document = json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    found = {group["model"]: group["factors"] for group in document["groups"]}
    assert found == {
        "learner seed=0": {"seed": "0", "epochs": "1", "samples": "4"},
        "learner seed=1": {"seed": "1", "epochs": "1", "samples": "4"},
    }
    rows = {row["label"]: row["factors"] for row in document["groups"][0]["rows"]}
    assert rows == {"slope pause=0": {"pause": "0"}, "slope pause=0.01": {"pause": "0.01"}}
    kept = read_results(tmp_path / "out").groups[1]
    assert (kept.recipes["model"].factors, kept.recipes["dataset"].factors) == ({"seed": "1", "epochs": "1"}, {"samples": "4"})
    again = CliRunner().invoke(app, ["leaderboard", str(tmp_path / "out"), "--format", "json"])
    assert json.loads(again.stdout)["groups"][1]["factors"]["seed"] == "1"
