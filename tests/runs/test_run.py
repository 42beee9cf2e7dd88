"""Runs over the small components in this process: what is computed, what is not, and what a run folder holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import harness
from harness.api import Sample
from tests.support.spec import SMALL, small_spec


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the small components note what they compute."""
    path = tmp_path / "calls"
    path.touch()
    monkeypatch.setenv("SMALL_CALLS", str(path))
    return path


def run(folder: Path, **changes: Any) -> Any:
    return harness.run(small_spec(**changes), out=folder / "out", store=folder / "store", plugins=[SMALL])


def scores(result: Any) -> dict[tuple[str, str, str], float]:
    columns = {name: result.scores.column(name).to_pylist() for name in ("explainer", "metric", "sample", "value")}
    return {key: value for *key, value in zip(*columns.values(), strict=True) for key in [tuple(key)]}


def test_every_cell_has_one_score_per_sample(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.failures == []
    assert len(scores(result)) == 4 * 3 * 8
    row = next(row for row in result.leaderboard.groups[0].rows if row.label == "slope")
    assert row.cells["inside"].n == 8


def test_again_computes_nothing_and_says_the_same(tmp_path: Path, calls: Path) -> None:
    first = run(tmp_path)
    calls.write_text("")
    second = run(tmp_path)
    assert calls.read_text() == ""
    assert second.summary["jobs"] == 0
    assert scores(second) == scores(first)


def test_twice_the_samples_compute_the_other_half(tmp_path: Path, calls: Path) -> None:
    run(tmp_path)
    calls.write_text("")
    run(tmp_path, datasets=[{"use": "squares", "params": {"samples": 12}}])
    scored = {line.split()[2] for line in calls.read_text().splitlines() if line.startswith("inside")}
    assert scored == {f"square-{i}" for i in range(8, 12)}


def test_another_explainer_computes_only_itself(tmp_path: Path, calls: Path) -> None:
    run(tmp_path, explainers=["slope"])
    calls.write_text("")
    run(tmp_path, explainers=["slope", "contrast"])
    assert len(calls.read_text().splitlines()) == 8  # inside, once for each map of contrast


def test_a_changed_parameter_is_another_column(tmp_path: Path, calls: Path) -> None:
    run(tmp_path)
    calls.write_text("")
    run(tmp_path, explainers=[{"use": "slope", "params": {"pause": 0.001}}], reference=None)
    assert "slope square-0" in calls.read_text()


@pytest.mark.parametrize("change", [{"batch": 3}, {"shard": 2}, {"batch": 1, "shard": 5}])
def test_batches_and_shards_change_no_score(tmp_path: Path, change: dict[str, int]) -> None:
    whole = scores(run(tmp_path / "whole"))
    split = scores(run(tmp_path / "split", execution={"executor": "inline", **change}))
    assert whole.keys() == split.keys()
    for key, value in whole.items():
        assert split[key] == pytest.approx(value, rel=1e-5, abs=1e-7), key


def test_samples_do_not_depend_on_their_neighbours(tmp_path: Path) -> None:
    few = scores(run(tmp_path / "few", datasets=[{"use": "squares", "params": {"samples": 3}}]))
    many = scores(run(tmp_path / "many"))
    for key, value in few.items():
        assert many[key] == pytest.approx(value, rel=1e-5, abs=1e-7), key


def test_parts_that_are_rows_are_not_computed_again(tmp_path: Path, calls: Path) -> None:
    run(tmp_path, explainers=["slope", "both"], metrics=["inside"], nulls=["speckle"])
    explained = [line for line in calls.read_text().splitlines() if line.startswith("slope")]
    assert len(explained) == 8


def test_a_composition_is_the_sum_of_its_stored_parts(tmp_path: Path) -> None:
    from harness.store.store import Store

    run(tmp_path, explainers=["slope", "both"], metrics=["inside"])
    columns = {column["explainer"]: column for column in json.loads((tmp_path / "out" / "columns.json").read_text())["columns"]}
    maps = {}
    for name in ("slope", "speckle", "both"):
        wanted = [(row[1], row[2]) for row in columns[name]["rows"]]
        stored = Store(tmp_path / "store").maps(columns[name]["key"], set(wanted))
        assert stored is not None
        order = [stored.samples.index(key) for key in wanted]
        maps[name] = stored.take(order).map
    np.testing.assert_allclose(maps["both"], maps["slope"] + maps["speckle"], rtol=1e-6)


def test_a_composition_costs_what_its_parts_cost(tmp_path: Path) -> None:
    result = run(tmp_path, explainers=["slope", "both"], metrics=["inside"])
    costs = {row.label: row.costs for row in result.leaderboard.groups[0].rows}
    assert costs["slope"].passes_per_sample == 2
    assert costs["both"].passes_per_sample == 2


def test_twins_are_explained_on_a_random_model_and_scored_on_the_real_one(tmp_path: Path) -> None:
    result = run(tmp_path, explainers=["slope"], nulls=["speckle", "random-model"], metrics=["inside", "drop"])
    rows = {row.label: row for row in result.leaderboard.groups[0].rows}
    twin = rows["slope (random model)"]
    assert twin.null
    assert twin.cells["inside"].mean != pytest.approx(rows["slope"].cells["inside"].mean, rel=1e-3)
    assert rows["slope"].cells["inside"].mean is not None


def test_a_run_without_a_single_score_says_why(tmp_path: Path) -> None:
    def broken(case: Any) -> torch.Tensor:
        """Raises."""
        raise ValueError("no score today")

    result = run(tmp_path, explainers=["slope"], metrics=[broken])
    assert result.scores.num_rows == 0
    assert result.scores.column_names == ["dataset", "model", "explainer", "metric", "sample", "digest", "value", "counts"]
    assert {reason.partition(" (")[0] for *_, reason in result.failures} == {"ValueError: no score today"}


def test_without_training_data_what_needs_it_is_not_applicable(tmp_path: Path) -> None:
    result = run(tmp_path, datasets=[{"use": Images(), "label": "images"}], metrics=["drop"])
    reasons = {(explainer, state): reason for _, _, explainer, _, state, reason in result.failures}
    assert "no training split" in reasons["contrast", "not-applicable"]
    assert {explainer for explainer, _ in reasons} == {"contrast"}


class Images:
    """Images without masks, class names or splits."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Sample:
        return Sample(torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(index)), index % 2, f"image-{index}")


def test_without_masks_localisation_is_not_applicable(tmp_path: Path) -> None:
    result = run(tmp_path, datasets=[{"use": Images(), "label": "images"}], explainers=["slope"])
    assert {(metric, state) for _, _, _, metric, state, _ in result.failures} == {("inside", "not-applicable")}


def test_the_run_folder_holds_a_spec_that_runs_again_to_the_same(tmp_path: Path) -> None:
    first = run(tmp_path, execution={"executor": "inline"})
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "spec.yaml",
        "provenance.json",
        "journal.jsonl",
        "leaderboard.json",
        "leaderboard.md",
        "leaderboard.csv",
        "leaderboard.tex",
        "scores.parquet",
    }
    again = harness.run(tmp_path / "out" / "spec.yaml", out=tmp_path / "again", store=tmp_path / "store", plugins=[SMALL])
    assert again.summary["jobs"] == 0
    assert scores(again) == scores(first)


def test_another_seed_draws_other_noise(tmp_path: Path) -> None:
    one, two = scores(run(tmp_path, seed=0)), scores(run(tmp_path, seed=1))
    assert one["slope", "drop", "square-0"] == two["slope", "drop", "square-0"]
    assert one["speckle", "inside", "square-0"] != two["speckle", "inside", "square-0"]


@pytest.mark.parametrize("executor", ["inline", "local", "xai-harness/local"])
def test_functions_and_objects_of_a_notebook_run_inline(executor: str, tmp_path: Path) -> None:
    def ones(model: Any, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The same everywhere."""
        return torch.ones(len(images), *images.shape[-2:])

    result = run(tmp_path, explainers=[ones], metrics=["inside"], nulls=["speckle"], execution={"executor": executor})
    values = [value for (explainer, *_), value in scores(result).items() if explainer == "ones"]
    assert values == pytest.approx([16 / 144] * 8)


def test_maps_of_the_first_samples_only(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    run(tmp_path, explainers=["slope"], nulls=["speckle"], store={"attributions": 3})
    stored = [load_file(path)["map"] for path in (tmp_path / "store" / "maps").rglob("*.safetensors")]
    assert sorted(len(maps) for maps in stored) == [3, 3]


def test_scores_are_the_same_whether_half_precision_maps_come_from_the_store_or_not(tmp_path: Path) -> None:
    kept = {"store": {"dtype": "float16"}, "explainers": ["slope"]}
    fresh = scores(run(tmp_path / "a", **kept))
    run(tmp_path / "b", metrics=["inside"], **kept)
    stored = scores(run(tmp_path / "b", **kept))
    assert stored == fresh


def test_a_damaged_store_is_reported_and_computed_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    for path in (tmp_path / "store" / "rows").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-7])
    second = run(tmp_path)
    assert scores(second) == scores(first)
    assert second.failures == []
    assert list((tmp_path / "store" / "damaged").iterdir())


def test_a_run_that_ended_between_maps_and_rows_explains_again(tmp_path: Path) -> None:
    import shutil

    first = run(tmp_path)
    shutil.rmtree(tmp_path / "store" / "rows")
    second = run(tmp_path)
    assert scores(second) == scores(first)
    assert all(row.costs.passes_per_sample is not None for row in second.leaderboard.groups[0].rows)
    assert run(tmp_path).summary["jobs"] == 0


def test_maps_that_are_asked_for_later_are_stored_then_and_once(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    def stored() -> int:
        return sum(len(load_file(path)["map"]) for path in (tmp_path / "store" / "maps").rglob("*.safetensors"))

    run(tmp_path, explainers=["slope"], metrics=["inside"], store={"attributions": "none"})
    assert stored() == 0
    run(tmp_path, explainers=["slope"], metrics=["inside"])
    assert stored() == 16
    run(tmp_path, explainers=["slope"], metrics=["inside", "drop"])
    assert stored() == 16


def test_only_what_declares_that_it_learns_is_given_training_data(tmp_path: Path) -> None:
    def greedy(model: Any, images: torch.Tensor, targets: torch.Tensor, *, ctx: Any) -> torch.Tensor:
        """Asks for training data without saying so."""
        return ctx.background(2).mean(dim=(0, 1)).expand(len(images), -1, -1)

    result = run(tmp_path, explainers=[greedy], metrics=["inside"])
    assert any("NoTrainingData" in reason for *_, reason in result.failures)


def test_a_twin_learns_on_its_own_model(tmp_path: Path) -> None:
    """Re-explaining a twin whose maps came from the store gives what it gave when they were made."""

    class Fitted:
        """Input times a weight that is fitted to the model."""

        def __call__(self, model: Any, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return images * self.weight

        def fit(self, model: Any, ctx: Any) -> None:
            self.weight = float(next(model.module.parameters()).abs().sum())

    spec = {"explainers": [Fitted], "nulls": ["speckle", "random-model"]}
    at_once = scores(run(tmp_path / "a", metrics=["inside", "wobble"], **spec))
    run(tmp_path / "b", metrics=["inside"], **spec)
    later = scores(run(tmp_path / "b", metrics=["inside", "wobble"], **spec))
    assert later == pytest.approx(at_once)


def test_hooks_hear_of_every_column_once_and_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.registry.hook_runner import HookRunner

    heard: list[tuple[str, str, str]] = []

    def listen(self: HookRunner, hook: str, **arguments: Any) -> list[Any]:
        if hook == "column_finished":
            heard.append((arguments["column"]["explainer"], arguments["column"]["metric"], arguments["state"]))
        return []

    monkeypatch.setattr(HookRunner, "call", listen)
    for _ in range(2):
        heard.clear()
        result = run(tmp_path, datasets=[{"use": Images(), "label": "images"}], explainers=["slope", "contrast"])
        cells = {(row.label, metric, cell.status) for row in result.leaderboard.groups[0].rows for metric, cell in row.cells.items()}
        assert sorted(heard) == sorted(cells)


def test_a_plan_knows_what_a_composition_takes_from_its_parts(tmp_path: Path) -> None:
    from harness.planning.estimate import estimate_plan
    from harness.registry.registry import Registry
    from harness.runs.run import Run
    from harness.spec.load import load_spec

    registry = Registry.discover([SMALL])
    twice = {"use": "both", "params": {"first": "slope", "second": "slope"}}
    prepared = Run(
        load_spec(small_spec(explainers=["slope", twice]), registry), registry, tmp_path / "out", tmp_path / "store", plugins=[SMALL]
    )
    cells = {
        (cell.explainer, cell.metric): cell.passes for cell in estimate_plan(prepared.plan(), registry, prepared.loaded.spec.store).cells
    }
    assert cells["slope", ""] == 2
    assert cells["both", ""] == 4
