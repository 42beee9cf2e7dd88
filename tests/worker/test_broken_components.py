"""Broken components, installed and run: each costs its own cells and nothing else, and the reason says what happened."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.registry.registry import Registry
from harness.runs.conclusion import FinishedRun
from harness.runs.run import Run
from harness.spec.load import load_spec
from harness.spec.problems import SpecError
from harness.worker.component_cache import ComponentCache
from harness.worker.inspection import check_applicability
from harness.worker.mutation_guard import MutationError

pytestmark = pytest.mark.slow

SOUND = ("acme-fine", "acme-contrast", "acme-noise")
UNDEFINED = "acme-nan"
SLOW_TO_IMPORT = "acme-slow-import"
RESEEDING_IMPORT = "acme-import-reseeds"
SOUND_METRICS = ("acme-drop", "acme-mass-inside", "acme-metric-fine")
TIMEOUT = 3.0

# what each broken component must end in, and what the reason must say
ALSO_INLINE = {
    "acme-wrong-shape": ("failed", r"ContractError: the map must be \(6, 16, 16\) or \(6, C, 16, 16\), not \(6,\)"),
    "acme-nothing": ("failed", r"must return a tensor, not NoneType"),
    "acme-raises": ("failed", r"ValueError: the acme service has no maps today \(explainers.py:\d+ in raises\)"),
    "acme-changes-weights": ("failed", r"left changed: the weights 0.weight"),
    "acme-leaves-hook": ("failed", r"left changed: the hooks of 0"),
    "acme-trains": ("failed", r"left changed: the mode of"),
    "acme-unfreezes": ("failed", r"left changed: requires_grad of 0.weight"),
    "acme-writes-images": ("failed", r"wrote into its images"),
    "acme-writes-targets": ("failed", r"wrote into its images or targets"),
    "acme-reseeds": ("failed", r"left changed: the global generator of torch"),
    "acme-asked-and-changes-weights": ("failed", r"left changed: the weights 0.weight"),
    "acme-made-with-seed": ("failed", r"left changed: the global generator of torch"),
}
BROKEN = {
    **ALSO_INLINE,
    "acme-import-error": ("failed", r"acme-import-error.* is broken: .*a_package_that_nobody_has"),
    "acme-wrong-signature": ("failed", r"\(model, images, targets, \*, parameters…\).*\(images\)"),
    "acme-hangs": ("timeout", r"explaining with acme-hangs took longer than 3 s"),
    "acme-exits": ("crashed", r"acme-exits .*exit code 3"),
    "acme-kills-itself": ("crashed", r"acme-kills-itself .*SIGKILL"),
    "acme-import-kills": ("crashed", r"loading acme-import-kills .*exit code 7"),
}
BROKEN_METRICS = {
    "acme-metric-raises": ("failed", r"ValueError: the acme ruler is broken"),
    "acme-metric-wrong-shape": ("failed", r"must return \(6,\), one score per sample, not \(\)"),
    "acme-metric-writes-maps": ("failed", r"left changed: the attributions"),
    "acme-metric-changes-weights": ("failed", r"left changed: the weights 0.weight"),
    "acme-metric-hangs": ("timeout", r"scoring with acme-metric-hangs took longer than 3 s"),
    "acme-metric-kills": ("crashed", r"acme-metric-kills .*SIGKILL"),
}


def _spec(**changes: Any) -> dict[str, Any]:
    return {
        "name": "faults",
        "datasets": [{"use": "acme-squares", "params": {"samples": 6}}],
        "models": ["acme-cnn"],
        "explainers": list(SOUND),
        "metrics": list(SOUND_METRICS),
        "nulls": [],
        "execution": {"executor": "local", "workers": 2, "devices": ["cpu"], "timeout": TIMEOUT, "startup_timeout": 90},
        **changes,
    }


def _run(folder: Path, **changes: Any) -> FinishedRun:
    registry = Registry.discover()
    return Run(load_spec(_spec(**changes), registry), registry, folder / "run", folder / "store").execute()


def _cells(finished: FinishedRun) -> Mapping[tuple[str, str], Any]:
    (group,) = finished.results.groups
    return group.cells


@pytest.fixture(scope="module")
def log(acme: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "acme.log"


@pytest.fixture(scope="module")
def explained(acme: Path, log: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """Sound and broken explainers, in workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACME_LOG", str(log))
        return _run(tmp_path_factory.mktemp("explainers"), explainers=[*BROKEN, UNDEFINED, RESEEDING_IMPORT, *SOUND, SLOW_TO_IMPORT])


@pytest.fixture(scope="module")
def scored(acme: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """Sound and broken metrics on one sound explainer, in workers."""
    return _run(tmp_path_factory.mktemp("metrics"), explainers=["acme-fine"], metrics=[*BROKEN_METRICS, *SOUND_METRICS])


@pytest.fixture(scope="module")
def inline(acme: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """Sound explainers and those broken ones that cannot end or stop a process, in this one."""
    return _run(tmp_path_factory.mktemp("inline"), explainers=[*ALSO_INLINE, *SOUND], execution={"executor": "inline", "devices": ["cpu"]})


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_explainer_costs_its_own_cells(explained: FinishedRun, name: str) -> None:
    state, reason = BROKEN[name]
    for metric in SOUND_METRICS:
        cell = _cells(explained)[name, metric]
        assert cell.status == state
        assert re.search(reason, cell.reason), cell.reason


@pytest.mark.parametrize("name", BROKEN_METRICS)
def test_a_broken_metric_costs_its_own_cells(scored: FinishedRun, name: str) -> None:
    state, reason = BROKEN_METRICS[name]
    cell = _cells(scored)["acme-fine", name]
    assert cell.status == state
    assert re.search(reason, cell.reason), cell.reason


@pytest.mark.parametrize("name", ALSO_INLINE)
def test_a_broken_explainer_costs_its_own_cells_inline(inline: FinishedRun, name: str) -> None:
    state, reason = ALSO_INLINE[name]
    cell = _cells(inline)[name, "acme-drop"]
    assert cell.status == state
    assert re.search(reason, cell.reason), cell.reason


def test_a_broken_component_costs_nothing_else(explained: FinishedRun, scored: FinishedRun, inline: FinishedRun) -> None:
    for finished, broken in ((explained, BROKEN), (scored, BROKEN_METRICS), (inline, ALSO_INLINE)):
        others = {labels: cell for labels, cell in _cells(finished).items() if not set(labels) & set(broken)}
        assert {labels: cell.reason for labels, cell in others.items() if cell.status != "ok"} == {}
        assert others


def test_a_map_that_is_not_finite_costs_its_sample_alone(explained: FinishedRun) -> None:
    for metric in ("acme-drop", "acme-metric-fine"):
        cell = _cells(explained)[UNDEFINED, metric]
        assert (cell.status, int(np.isnan(cell.values).sum())) == ("ok", 1)


def test_a_slow_import_is_no_slow_call(explained: FinishedRun) -> None:
    assert _cells(explained)[SLOW_TO_IMPORT, "acme-drop"].status == "ok"


def test_what_an_import_changes_of_its_process_is_put_back(explained: FinishedRun) -> None:
    for metric in SOUND_METRICS:
        expected, found = (_cells(explained)[name, metric] for name in ("acme-fine", RESEEDING_IMPORT))
        assert found.status == "ok"
        np.testing.assert_array_equal(found.values, expected.values)


def test_scores_beside_broken_components_are_those_without_them(
    explained: FinishedRun, inline: FinishedRun, acme: Path, tmp_path: Path
) -> None:
    alone = _run(tmp_path, execution={"executor": "inline", "devices": ["cpu"]})
    assert alone.ok
    for labels, cell in _cells(alone).items():
        for finished in (explained, inline):
            np.testing.assert_allclose(_cells(finished)[labels].values, cell.values, rtol=1e-5, atol=1e-6)


def test_a_model_that_was_changed_by_asking_is_made_again(acme: Path) -> None:
    registry = Registry.discover()
    recipes = load_spec(_spec(explainers=["acme-asked-and-changes-weights", "acme-made-with-seed", "acme-fine"]), registry).recipes
    bench, (model,), (asked, made, fine) = ComponentCache(registry), recipes.models, recipes.explainers
    with pytest.raises(MutationError, match=r"the weights 0\.weight"):
        check_applicability(bench, model, asked)
    torch.testing.assert_close(
        bench.model(model).module.state_dict(), ComponentCache(registry).model(model).module.state_dict(), rtol=0, atol=0
    )
    with pytest.raises(MutationError, match="the global generator of torch"):
        check_applicability(bench, model, made)
    assert check_applicability(bench, model, fine)["reason"] is None


def test_the_run_is_not_ok_and_its_leaderboard_is_written(explained: FinishedRun, scored: FinishedRun) -> None:
    for finished, broken in ((explained, BROKEN), (scored, BROKEN_METRICS)):
        assert not finished.ok
        written = json.loads((finished.folder / "leaderboard.json").read_text())
        (group,) = written["groups"]
        states = {(row["label"], name): cell["status"] for row in group["rows"] for name, cell in row["cells"].items()}
        assert {labels: cell.status for labels, cell in _cells(finished).items()} == states
        assert set(states.values()) >= {"ok", *(state for state, _ in broken.values())}
        markdown = (finished.folder / "leaderboard.md").read_text()
        assert all(name in markdown for name in broken)


def test_nothing_of_a_broken_component_is_stored_and_everything_else_is(explained: FinishedRun) -> None:
    folder = explained.folder.parent
    registry = Registry.discover()
    plan = Run(load_spec(_spec(explainers=["acme-raises", *SOUND]), registry), registry, folder / "run", folder / "store").plan()
    missing = {column.label: len(plan.groups[0].missing(column.key)) for column in plan.groups[0].columns}
    assert missing == {"acme-raises": 6, **dict.fromkeys(SOUND, 0)}


# hooks


def test_sound_hooks_are_called_beside_broken_ones(explained: FinishedRun, log: Path) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["hook"] for line in lines].count("run_started") == 1
    assert lines[0] == {"hook": "run_started", "name": "faults"}
    assert lines[-1] == {"hook": "run_finished", "groups": 1}
    cells = {(line["column"]["explainer"], line["column"]["metric"]): line["state"] for line in lines if line["hook"] == "column_finished"}
    assert cells == {labels: cell.status for labels, cell in _cells(explained).items()}
    assert {"markdown", "csv", "latex"} <= {line["format"] for line in lines if line["hook"] == "leaderboard_rendered"}


@pytest.mark.parametrize(
    "report",
    [
        r"run_started of plugin acme-broken/acme-raising-hook: RuntimeError: the acme tracker is offline",
        r"run_finished of plugin acme-broken/acme-raising-hook: RuntimeError: the acme tracker is still offline",
        r"run_startet of plugin acme-broken/acme-misspelt-hook: .*did you mean .?run_started",
        r"acme-broken/acme-unimportable-hook: .*a_package_that_nobody_has",
    ],
)
def test_a_broken_hook_is_reported(explained: FinishedRun, report: str) -> None:
    assert any(re.search(report, problem) for problem in explained.problems), explained.problems


# what cannot be made


def test_a_dataset_or_model_that_cannot_be_made_blocks_its_own_groups(acme: Path, tmp_path: Path) -> None:
    squares = {"use": "acme-squares", "params": {"samples": 6}}
    finished = _run(
        tmp_path,
        datasets=[squares, "acme-dataset-raises", "acme-tuples", "acme-same-ids"],
        models=["acme-cnn", "acme-model-raises", "acme-bare-module"],
        explainers=["acme-fine"],
        metrics=["acme-drop"],
        execution={"executor": "local", "workers": 1, "devices": ["cpu"]},
    )
    found = {(group.dataset, group.model): group.cells["acme-fine", "acme-drop"] for group in finished.results.groups}
    assert found["acme-squares", "acme-cnn"].status == "ok"
    assert all(cell.status == "blocked" for labels, cell in found.items() if labels != ("acme-squares", "acme-cnn"))
    for labels, reason in {
        ("acme-dataset-raises", "acme-cnn"): "FileNotFoundError: the acme archive is not there",
        ("acme-tuples", "acme-cnn"): "must yield harness.api.Sample, not tuple",
        ("acme-same-ids", "acme-cnn"): "two samples of one id: noise",
        ("acme-squares", "acme-model-raises"): "FileNotFoundError: the acme checkpoint is not there",
        ("acme-squares", "acme-bare-module"): "must make a Classifier, not Sequential",
    }.items():
        assert reason in found[labels].reason
    assert not finished.ok


# what cannot be named


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acme-saliency", ["ambiguous", '"acme-broken/acme-saliency"', '"acme-xai/acme-saliency"']),
        ("acme-tomorrow", ["acme-future", "plugin API 99"]),
        ("acme-salience", ["unknown explainer", "did you mean"]),
    ],
)
def test_a_name_that_cannot_be_used_is_an_error_before_anything_runs(acme: Path, name: str, said: list[str]) -> None:
    with pytest.raises(SpecError) as error:
        load_spec(_spec(explainers=[name]), Registry.discover())
    assert all(part in str(error.value) for part in said), str(error.value)


def test_an_ambiguous_name_works_with_its_distribution(acme: Path) -> None:
    loaded = load_spec(
        _spec(explainers=["acme-xai/acme-saliency", {"use": "acme-broken/acme-saliency", "label": "theirs"}]), Registry.discover()
    )
    assert [recipe.distribution for recipe in loaded.recipes.explainers] == ["acme-xai", "acme-broken"]
