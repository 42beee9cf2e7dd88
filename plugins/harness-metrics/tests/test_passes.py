"""The passes that metrics declare for planning are those that they make."""

from __future__ import annotations

from importlib.metadata import entry_points
from inspect import signature

import pytest
import torch
from harness_metrics.passes import explanations
from torch import nn

from harness.api import Case, Context, classifier
from harness.api.declarations import declaration_of
from tests.support.cases import selected

METRICS = {entry.name: entry.load() for entry in entry_points(group="harness.metrics") if entry.dist.name == "harness-metrics"}
EXPLAINING_DRAWS = [name for name, metric in METRICS.items() if declaration_of(metric, "metrics").passes is explanations]
DECLARED = {name: declaration_of(metric, "metrics") for name, metric in METRICS.items()}
DATA_DECIDE = {"part-importance"}  # a pass for each part of an image, of which each has as many as it has
ASKING_THE_MODEL_ALONE = [
    name for name, said in DECLARED.items() if "explainer" not in said.needs and not said.retrains and name not in DATA_DECIDE
]
OTHERWISE = {
    "non-sensitivity": {"patch": 28},
    "deletion": {"step": 5000},
    "road": {"order": "combined", "fractions": (0.3, 0.6)},
    "region-perturbation": {"impute": "black", "regions": 7},
    "effective-complexity": {"criterion": "prediction"},
}


@pytest.fixture
def photograph():
    """One image of the size that passes are declared for, with all that a metric may ask of it but an explainer."""
    torch.manual_seed(0)
    model = classifier(nn.Sequential(nn.AvgPool2d(28), nn.Flatten(), nn.Linear(192, 3)), input_shape=(3, 224, 224))
    images = torch.rand(1, 3, 7, 7).repeat_interleave(32, dim=2).repeat_interleave(32, dim=3)
    masks = torch.zeros(1, 224, 224, dtype=torch.bool)
    masks[:, 50:100, 60:120] = True
    maps = torch.randn(1, 224, 224)
    evidence = {"mask": masks, "human-map": masks.float()}
    return Case(model, images, torch.tensor([1]), maps, Context(0, ["a"]), parts={"a": maps, "b": maps.square()}, evidence=evidence)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "params"), [(name, {}) for name in ASKING_THE_MODEL_ALONE] + list(OTHERWISE.items()))
def test_passes_are_as_declared(name, params, photograph):
    made = []

    def counting(model, inputs):
        made.append(len(inputs))
        return model(inputs)

    photograph.forward = counting
    resolved = {key: given.default for key, given in signature(METRICS[name]).parameters.items() if key != "case"} | params
    declared = declaration_of(METRICS[name], "metrics").passes
    METRICS[name](photograph, **params)
    expected = declared(resolved) if callable(declared) else declared
    assert sum(made) == (pytest.approx(expected, rel=0.6) if name == "irof" else expected)  # as many segments as SLIC finds


@pytest.mark.parametrize("name", EXPLAINING_DRAWS)
def test_a_sample_is_explained_as_often_as_declared(name, cnn_case, monkeypatch):
    case, explained, explain = selected(cnn_case, [0]), [], type(cnn_case.explainer).__call__

    def counting(self, model, images, targets, **options):
        explained.append(len(images))
        return explain(self, model, images, targets, **options)

    monkeypatch.setattr(type(case.explainer), "__call__", counting)
    params = {"samples": 12 if name == "sufficiency" else 3}
    METRICS[name](case, **params)
    assert sum(explained) == explanations(params)
