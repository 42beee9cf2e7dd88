"""What a run is made of changes while it goes on: a plugin is upgraded, a dataset is altered, made read-only, or vanishes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import harness
from harness.registry.errors import RegistryError
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from tests.support.spec import SMALL, small_spec

PLUGIN = '''
from harness.api import explainer

@explainer()
def upgraded(model, images, targets):
    """Ones."""
    return images.sum(dim=1) * 0 + {value}
'''


def plugin(folder: Path, value: int) -> Path:
    path = folder / "mine.py"
    path.write_text(PLUGIN.format(value=value))
    return path


def test_a_plugin_upgraded_after_planning_is_not_imported(tmp_path: Path) -> None:
    registry = Registry.discover([plugin(tmp_path, 1)])
    recipe = resolve(registry, "explainers", "upgraded")
    plugin(tmp_path, 22)
    with pytest.raises(RegistryError, match="has changed since this run was planned: run it again"):
        registry.component(recipe)
    again = Registry.discover([tmp_path / "mine.py"])
    with pytest.raises(RegistryError, match="has changed"):
        again.component(recipe)
    new = again.component(resolve(again, "explainers", "upgraded"))
    assert new.__code__.co_consts != () and 22 in new.__code__.co_consts


def test_a_plugin_upgraded_between_runs_of_one_process_is_computed_anew(tmp_path: Path) -> None:
    def run(value: int) -> set[float]:
        spec = small_spec(explainers=["upgraded"], metrics=["inside", "drop"], nulls=[])
        found = harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL, plugin(tmp_path, value)])
        assert found.failures == []
        return {row["value"] for row in found.scores.to_pylist() if row["metric"] == "inside"}

    assert run(1) == run(22) != set()
    assert len({column.name for column in (tmp_path / "store" / "rows").glob("*/*")}) == 3  # predictions, and one per version


def pictures(folder: Path, count: int = 4) -> Path:
    root = folder / "pictures"
    generator = np.random.default_rng(0)
    for name in ("left", "right"):
        (root / name).mkdir(parents=True)
        for number in range(count // 2):
            Image.fromarray(generator.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(root / name / f"{number}.png")
    return root


def run(folder: Path, root: Path, **changes: object) -> harness.RunResult:
    data = [{"use": "image-folder", "params": {"root": str(root)}}]
    spec = small_spec(**{"datasets": data, "explainers": ["slope"], "metrics": ["drop"], "nulls": [], **changes})
    return harness.run(spec, out=folder / "out", store=folder / "store", plugins=[SMALL])


def states(found: harness.RunResult) -> dict[str, str]:
    return {state: reason for *_, state, reason in found.failures}


def test_a_dataset_on_a_read_only_disk_is_only_read(tmp_path: Path) -> None:
    root = pictures(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert run(tmp_path, root).failures == []
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_dataset_that_vanishes_while_a_run_goes_on_blocks_its_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.runs.run import Run

    root, plan = pictures(tmp_path), Run.plan

    def planned(self: Run, *listeners: Any, **options: Any) -> object:
        found = plan(self, *listeners, **options)
        shutil.rmtree(root)
        return found

    monkeypatch.setattr(Run, "plan", planned)
    said = states(run(tmp_path, root))
    assert list(said) == ["blocked"]
    assert "there is no such file" in said["blocked"]


def test_a_dataset_that_is_gone_blocks_its_cells_and_says_where_it_was(tmp_path: Path) -> None:
    root = pictures(tmp_path)
    assert run(tmp_path, root).failures == []
    root.rename(tmp_path / "elsewhere")
    said = states(run(tmp_path, root))
    assert f"root: there is no folder {root}" in said["blocked"]
    (tmp_path / "elsewhere").rename(root)
    again = run(tmp_path, root)
    assert (again.failures, again.summary["jobs"]) == ([], 0)


def test_an_image_altered_while_a_run_goes_on_is_not_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.runs.run import Run

    root, plan = pictures(tmp_path), Run.plan

    def planned(self: Run, *listeners: Any, **options: Any) -> object:
        found = plan(self, *listeners, **options)
        Image.new("RGB", (12, 12), (9, 9, 9)).save(root / "left" / "0.png")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Run, "plan", planned)
        said = states(run(tmp_path, root))
    assert "the dataset changed while the run was going on: left/0.png; run again" in said["blocked"]
    assert run(tmp_path, root).failures == []


@pytest.mark.parametrize("executor", ["inline", "local"])
def test_training_data_altered_while_a_run_goes_on_are_not_learned_from(
    executor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.runs.run import Run

    root, training, plan = pictures(tmp_path), pictures(tmp_path / "training"), Run.plan
    data = [{"use": "image-folder", "params": {"root": str(root)}, "training": {"use": "image-folder", "params": {"root": str(training)}}}]
    grid = {"datasets": data, "explainers": ["slope", "contrast"], "execution": {"executor": executor, "workers": 1}}

    def planned(self: Run, *listeners: Any, **options: Any) -> object:
        found = plan(self, *listeners, **options)
        Image.new("RGB", (12, 12), (9, 9, 9)).save(training / "left" / "0.png")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Run, "plan", planned)
        found = run(tmp_path, root, **grid)
    [(_, _, row, _, state, reason)] = found.failures
    assert (row, state) == ("contrast", "blocked")
    assert "the training data of image-folder changed while the run was going on; run again" in reason
    assert run(tmp_path, root, **grid).failures == []


MODEL = '''
from pathlib import Path
from typing import Any
import torch
from torch import nn
from harness.api import classifier, model

@model()
def filed(*, weights: Path):
    """A linear model whose weights are in a file."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(432, 2))
    network.load_state_dict(torch.load(weights, weights_only=True))
    return classifier(network, input_shape=(3, 12, 12), class_names=["left", "right"])
'''


def test_a_checkpoint_altered_while_a_run_goes_on_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.worker.component_cache import ComponentCache

    def trained(seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        state = {"1.weight": torch.rand(2, 432, generator=generator), "1.bias": torch.zeros(2)}
        torch.save(state, tmp_path / "weights.pt")

    (tmp_path / "filed.py").write_text(MODEL)
    spec = small_spec(
        models=[{"use": "filed", "params": {"weights": str(tmp_path / "weights.pt")}}], explainers=["slope"], metrics=["inside"]
    )
    subject = ComponentCache.subject

    def later(self: ComponentCache, *given: object) -> object:
        trained(1)
        self.forget_models(given[0].model_recipe)  # as a worker that begins now
        return subject(self, *given)

    def begin() -> harness.RunResult:
        return harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL, tmp_path / "filed.py"])

    trained(0)
    with monkeypatch.context() as patch:
        patch.setattr(ComponentCache, "subject", later)
        said = states(begin())
    assert "the files of filed changed while the run was going on; run again" in said["blocked"]
    assert begin().failures == []
