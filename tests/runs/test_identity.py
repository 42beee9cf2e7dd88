"""Two things that compute differently never share a number: whole runs, before and after something changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import nn

import harness
from harness.results.run_folder import read_results
from tests.support.spec import SMALL, small_spec

HEAD = """
import json, os
from pathlib import Path
import numpy, torch
from torch import nn
from harness.api import Sample, classifier, dataset, explainer, metric, model
HERE = Path(__file__).parent

class Net(nn.Module):
    def __init__(self, scale=lambda: 1.0, pool="mean"):
        super().__init__()
        torch.manual_seed(0)
        self.last, self.scale, self.pool = nn.Linear(3, 2), scale, pool

    def forward(self, x):
        return self.last(getattr(x, self.pool)((2, 3))) * self.scale()
"""
MODEL = """
@model()
def mine(*, temperature: float = 1.0, pool: str = "mean"):
    return classifier(Net({scale}, pool), input_shape=(3, 12, 12))
"""
DATA = """
@dataset()
def toy():
    images = [torch.from_numpy(numpy.load(path)) for path in sorted((HERE / "images").glob("*.npy"))]
    return [Sample(image, i % 2, f"s{i}") for i, image in enumerate(images)]
"""
SIZE = """
@metric(category="complexity", direction="higher")
class Size:
    def __init__(self):
        self.factor = float((HERE / "factor.txt").read_text())

    def __call__(self, case):
        return case.attributions.abs().flatten(1).sum(1) * self.factor
"""


def files(folder: Path, scale: str = "lambda: 1.0 / temperature", images: int = 2) -> None:
    """Write what is not there as it should be: a plugin file, and images and numbers that its components read."""
    (folder / "images").mkdir(exist_ok=True)
    for i in range(images):
        if not (folder / "images" / f"{i}.npy").exists():
            numpy.save(folder / "images" / f"{i}.npy", torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(i)).numpy())
    for name in ("factor.txt", "scale.json"):
        if not (folder / name).exists():
            (folder / name).write_text("1")
    (folder / "plug.py").write_text(HEAD + MODEL.format(scale=scale) + DATA + SIZE)


def run(folder: Path, models: list[Any], store: str = "store", **changes: Any) -> tuple[dict[str, list[float]], list[str], int]:
    """The scores of each model, what failed and why, and how many jobs there were."""
    given = {"datasets": ["toy"], "models": models, "explainers": ["slope"], "nulls": [], "metrics": ["size"]}
    spec = small_spec(**{**given, **changes, "explain": {"samples": "all"}})
    found = harness.run(spec, out=folder / "out", store=folder / store, plugins=[SMALL, folder / "plug.py"])
    scores: dict[str, list[float]] = {}
    for row in sorted(found.scores.to_pylist(), key=lambda row: (row["metric"], row["explainer"], row["sample"])):
        scores.setdefault(row["model"], []).append(row["value"])
    return scores, [reason for *_, reason in found.failures], found.summary["jobs"]


def test_one_component_under_two_values_of_a_parameter_is_two_models(tmp_path: Path) -> None:
    files(tmp_path)
    found, _, _ = run(tmp_path, ["mine", {"use": "mine", "label": "hot", "params": {"temperature": 0.125}}])
    assert found["hot"] == pytest.approx([value * 8 for value in found["mine"]])


CHANGES: dict[str, Callable[[Path], object]] = {
    "model": lambda folder: (folder / "scale.json").write_text("8"),
    "metric": lambda folder: (folder / "factor.txt").write_text("8"),
    "dataset": lambda folder: numpy.save(folder / "images" / "2.npy", numpy.zeros((3, 12, 12), numpy.float32)),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_file_that_code_opens_counts_wherever_it_is_opened(kind: str, tmp_path: Path) -> None:
    """That of a model or a metric is in its key; those of a dataset are in its samples."""
    files(tmp_path, "(lambda scale: lambda: scale)(float((HERE / 'scale.json').read_text()))")
    first, failed, _ = run(tmp_path, ["mine"])
    assert failed == [] and run(tmp_path, ["mine"])[2] == 0
    CHANGES[kind](tmp_path)
    again, failed, jobs = run(tmp_path, ["mine"])
    assert (failed, jobs) == ([], 1)
    assert again == run(tmp_path, ["mine"], "another store")[0]
    if kind == "dataset":
        assert again["mine"][:2] == first["mine"] and len(again["mine"]) == 3
    else:
        assert again["mine"] == pytest.approx([value * 8 for value in first["mine"]])
    assert run(tmp_path, ["mine"])[2] == 0


NAMED = """
class Named:
    class_names = property(lambda self: (HERE / "names.txt").read_text().split())

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return Sample(torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(i)), i // 2, f"s{i}")

@dataset()
def named():
    return Named()
"""


def test_labels_that_are_named_otherwise_are_other_classes_of_the_model(tmp_path: Path) -> None:
    """No sample changes by it: neither image nor id, nor the number of its label."""
    (tmp_path / "plug.py").write_text(HEAD + NAMED)

    def found(names: str, store: str = "store", **changes: Any) -> tuple[list[float], list[bool], int]:
        (tmp_path / "names.txt").write_text(names)
        spec = small_spec(datasets=[{"use": "named", **changes}], explainers=["slope"], metrics=["drop"], explain={"target": "label"})
        result = harness.run(spec, out=tmp_path / "out", store=tmp_path / store, plugins=[SMALL, tmp_path / "plug.py"])
        return (
            result.scores.where(explainer="slope").values.tolist(),
            read_results(tmp_path / "out").groups[0].correct.tolist(),
            result.summary["jobs"],
        )

    first = found("left right")
    other = found("right left")
    assert other[:2] == found("right left", "another store")[:2]
    assert other[1] == [not correct for correct in first[1]]
    assert found("left right")[2] == 0, "what has been so before is known"
    assert found("left right", class_map={"left": "left"}) == (*first[:2], 0), "a map that changes nothing changes no key"


LATE = """
def late_factor():
    return float((HERE / "late.txt").read_text())

@explainer(needs={"training-data"})
def late(model, images, targets, *, ctx):
    return images.sum(1) * late_factor() + 0 * ctx.background(2).mean()

@explainer(needs={"training-data"})
def plain(model, images, targets, *, ctx):
    return images.sum(1) + 0 * ctx.background(2).mean()

@metric(category="complexity", direction="higher")
def late_size(case):
    return case.attributions.abs().flatten(1).sum(1) * late_factor()
"""


@pytest.mark.parametrize(("explainer", "metric", "power"), [("late", "size", 1), ("plain", "late-size", 1), ("late", "late-size", 2)])
def test_a_file_that_is_read_when_a_component_is_called_counts_once_it_changes(
    explainer: str, metric: str, power: int, tmp_path: Path
) -> None:
    """What is read for the training images meanwhile is no file of the component's."""
    files(tmp_path)
    (tmp_path / "plug.py").write_text((tmp_path / "plug.py").read_text() + LATE)

    def scores(text: str, store: str = "store") -> tuple[list[float], int]:
        (tmp_path / "late.txt").write_text(text)
        data = {"use": "toy", "training": "toy"}
        found, failed, jobs = run(tmp_path, ["mine"], store, datasets=[data], explainers=[explainer], metrics=[metric])
        assert failed == []
        return found["mine"], jobs

    first, _ = scores("1")
    assert scores("1") == (first, 0)
    again, jobs = scores("8")
    assert jobs == 1 and again == pytest.approx([value * 8**power for value in first]) == scores("8", "another store")[0]
    assert scores("1") == (first, 0) and scores("8") == (again, 0)
    remembered = [text for file in (tmp_path / "store" / "facts").rglob("*.json") if "late.txt" in (text := file.read_text())]
    assert remembered and not any(".npy" in text for text in remembered)


def test_what_nobody_saw_is_told_by_the_models_answers_and_taken_up_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "lambda: float(os.environ['UNSEEN'])")
    monkeypatch.setenv("UNSEEN", "1")
    first, failed, _ = run(tmp_path, ["mine"])
    assert failed == []
    monkeypatch.setenv("UNSEEN", "8")
    _, failed, _ = run(tmp_path, ["mine"], metrics=["size", "drop"])
    assert len(failed) == 1 and "mine answers otherwise than when it was planned with" in failed[0] and "run again" in failed[0]
    second, failed, _ = run(tmp_path, ["mine"])
    assert failed == [] and second["mine"] == pytest.approx([value * 8 for value in first["mine"]])
    assert run(tmp_path, ["mine"])[2] == 0


def test_data_that_changed_unseen_are_looked_at_again_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path)
    path = tmp_path / "plug.py"
    path.write_text(path.read_text().replace("numpy.load(path))", "numpy.load(path)) * float(os.environ['UNSEEN'])"))
    monkeypatch.setenv("UNSEEN", "1")
    assert run(tmp_path, ["mine"])[1] == []
    monkeypatch.setenv("UNSEEN", "0.5")
    _, failed, _ = run(tmp_path, ["mine"], metrics=["size", "drop"])
    assert failed and all("the dataset changed while the run was going on: s0, s1; run again" in reason for reason in failed)
    found, failed, _ = run(tmp_path, ["mine"])
    assert failed == [] and found == run(tmp_path, ["mine"], "another store")[0]


def test_a_network_mended_in_a_session_has_its_own_numbers(tmp_path: Path) -> None:
    files(tmp_path)

    def network(mended: str) -> Any:
        space = {"__name__": "__main__", "nn": nn}
        source = (
            "class Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.a = nn.Linear(3, 2)\n"
            f"  def forward(self, x):\n    return self.a(x.mean((2, 3))){mended}"
        )
        exec(source, space)
        torch.manual_seed(0)
        return harness.classifier(space["Net"](), input_shape=(3, 12, 12))

    def scores(mended: str) -> tuple[list[float], int]:
        found, failed, jobs = run(tmp_path, [network(mended)])
        assert failed == []
        return next(iter(found.values())), jobs

    first, _ = scores("")
    assert scores("") == (first, 0)
    assert scores(" * 8") == (pytest.approx([value * 8 for value in first]), 1)
