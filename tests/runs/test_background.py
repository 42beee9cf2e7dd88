"""Explainers that compare with training images where there are any, on data with and without a training split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import harness
from harness.api import Sample
from tests.support.small import Squares
from tests.support.spec import SMALL, small_spec

WITHOUT = "without training images, compared with the black, the blurred and the mean reference of each image"


def bare() -> list[Sample]:
    """The squares without a training split."""
    squares = Squares(4, 0)
    return [squares[index] for index in range(4)]


def learned_from() -> Squares:
    return Squares(16, 500)


def model() -> harness.Classifier:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    return harness.classifier(network, input_shape=(3, 12, 12), mean=[0.5] * 3, std=[0.5] * 3, class_names=["left", "right"])


def background(which: object, use: str = "shap-gradient") -> dict[str, Any]:
    return {"use": use, "label": f"{use} {which}", "params": {"background": which}}


EXPLAINERS = [
    "triad",
    "shap-gradient",
    background(4),
    background("training"),
    background("references"),
    "shap-deep",
    "gradient-shap",
]


def run(folder: Path, training: bool, explainers: list[Any]) -> harness.RunResult:
    data = {"use": bare, **({"training": learned_from} if training else {})}
    spec = small_spec(datasets=[data], models=[model()], explainers=explainers, metrics=["drop"], nulls=[], reference=None)
    return harness.run(spec, out=folder / f"out {training}", store=folder / "store", plugins=[SMALL])


def scores(found: harness.RunResult) -> dict[tuple[str, str], float]:
    return {(row["explainer"], row["sample"]): row["value"] for row in found.scores.to_pylist()}


def warnings(folder: Path, training: bool) -> dict[str, list[str]]:
    [group] = json.loads((folder / f"out {training}" / "leaderboard.json").read_text())["groups"]
    return {row["label"]: row["notes"]["warnings"] for row in group["rows"]}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[harness.RunResult, harness.RunResult, Path]:
    """A run without a training split, then one with, in one store."""
    folder = tmp_path_factory.mktemp("background")
    return run(folder, False, EXPLAINERS), run(folder, True, EXPLAINERS), folder


@pytest.mark.slow
def test_without_a_training_split_only_what_demands_it_is_not_applicable(both: tuple[harness.RunResult, harness.RunResult, Path]) -> None:
    without, with_training, _ = both
    [(_, _, row, _, state, reason)] = without.failures
    assert (row, state) == ("shap-gradient training", "not-applicable")
    assert "needs training data, and the dataset names no training split" in reason
    assert with_training.failures == []


@pytest.mark.slow
def test_a_row_says_where_it_was_compared_with_references(both: tuple[harness.RunResult, harness.RunResult, Path]) -> None:
    _, _, folder = both
    said = warnings(folder, False)
    assert {row for row, texts in said.items() if texts == [WITHOUT]} == {
        "triad",
        "shap-gradient",
        "shap-gradient 4",
        "shap-deep",
        "gradient-shap",
    }
    assert set(map(tuple, warnings(folder, True).values())) == {()}


@pytest.mark.slow
def test_what_was_computed_without_training_images_is_not_taken_for_what_is_with(
    both: tuple[harness.RunResult, harness.RunResult, Path],
) -> None:
    without, with_training = map(scores, both[:2])
    changed = {row for row, sample in without if without[row, sample] != with_training[row, sample]}
    assert {"triad", "shap-gradient", "shap-deep", "gradient-shap"} <= changed
    assert "shap-gradient references" not in changed
    for sample in {sample for _, sample in without}:
        assert without["shap-gradient", sample] == pytest.approx(without["shap-gradient references", sample])
        assert with_training["shap-gradient", sample] == pytest.approx(with_training["shap-gradient training", sample])


def test_a_training_split_that_cannot_be_had_is_as_none_and_says_so(tmp_path: Path) -> None:
    def gone() -> Squares:
        raise FileNotFoundError("there is no folder training")

    spec = small_spec(
        datasets=[{"use": bare, "training": gone}],
        models=[model()],
        explainers=["shap-gradient", background("training")],
        metrics=["drop"],
        nulls=[],
        reference=None,
    )
    found = harness.run(spec, out=tmp_path / "out False", store=tmp_path / "store", plugins=[SMALL])
    [(_, _, row, _, state, reason)] = found.failures
    assert (row, state) == ("shap-gradient training", "not-applicable")
    assert "names no training split that can be had" in reason and "there is no folder training" in reason
    assert warnings(tmp_path, False)["shap-gradient"] == [WITHOUT]


def test_too_few_training_images_name_the_parameter_to_lower(tmp_path: Path) -> None:
    spec = small_spec(
        datasets=[{"use": bare, "training": bare}], models=[model()], explainers=["shap-gradient", background(4)], metrics=["drop"]
    )
    found = harness.run({**spec, "nulls": []}, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL])
    [(_, _, row, _, state, reason)] = found.failures
    assert (row, state) == ("shap-gradient", "failed")
    assert "16 training images are wanted, and the training split has 4: give it more, or lower the parameter" in reason
    assert "such as `background: 4`" in reason


def test_the_python_face_compares_with_references_where_it_is_given_no_training_data() -> None:
    images, network = torch.stack([sample.image for sample in bare()]), model()
    inputs = torch.stack([network.preprocess(image) for image in images])
    free = harness.attribute("shap-gradient", network, inputs, seed=1, ids=list("abcd"))
    stated = harness.attribute(harness.explainer("shap-gradient", background="references"), network, inputs, seed=1, ids=list("abcd"))
    learned = harness.attribute("shap-gradient", network, inputs, seed=1, ids=list("abcd"), training=learned_from())
    assert torch.equal(free, stated) and not torch.equal(free, learned)
