"""The specs that train what is shipped: each a recipe that trains, whose weights the shipped model takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.python_api.components import model
from harness.registry.registry import Registry
from harness.runs.run import Run
from harness.runs.training import TrainingReporter
from harness.spec.load import load_spec

SPECS = Path(__file__).parents[2] / "specs"
SMALLER = {
    "train-lesions": ("lesions-vgg", {"data.params.samples": 16, "validation.params.samples": 8, "epochs": 1, "batch": 8}),
    "train-digits": ("digits-cnn", {"data.params.samples": 32, "epochs": 1}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SMALLER))
def test_a_recipe_trains_what_is_shipped(tmp_path: Path, name: str) -> None:
    shipped, smaller = SMALLER[name]
    settings = [("execution.executor", "inline"), *((f"models.0.params.{path}", value) for path, value in smaller.items())]
    registry = Registry.discover()
    run = Run(load_spec(SPECS / f"{name}.yaml", registry, settings), registry, tmp_path / "out", tmp_path / "store")
    assert [reference.label or reference.use for reference in run.loaded.spec.models] == [f"{shipped}-again", shipped]
    assert run.train(run.trainings(), TrainingReporter()) == {}
    (trained,) = run.store.trainings()
    assert trained.finished and len(trained.record["curve"]) == 1
    (weights,) = (tmp_path / "store" / "weights").rglob("*.safetensors")
    own, published = model(shipped, weights=str(weights)), model(shipped)
    assert (own.input_shape, own.class_names, own.num_classes) == (published.input_shape, published.class_names, published.num_classes)
    assert own.architecture == published.architecture
    assert own.digest != published.digest
