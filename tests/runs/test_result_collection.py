"""What is gathered beside the scores: costs, promises, families of models, and what was explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import harness
from harness.analysis.overall import replicate_families
from harness.leaderboard.merge import MergeError, merge_results
from harness.results.data_model import ExplanationSettings, Group
from harness.results.run_folder import read_results
from tests.support.spec import SMALL, small_spec

PROMISING = SMALL.with_name("promising.py")


def groups(folder: Path, out: str = "out", **changes: Any) -> list[Group]:
    """The groups that a run leaves in its folder."""
    spec = small_spec(**{"metrics": ["inside"], "explainers": ["slope"]} | changes)
    harness.run(spec, out=folder / out, store=folder / "store", plugins=[SMALL, PROMISING])
    return read_results(folder / out).groups


@pytest.mark.slow
def test_costs_are_those_of_the_samples_of_the_run(tmp_path: Path) -> None:
    options: dict[str, Any] = {"explainers": ["uneven"], "execution": {"executor": "inline", "shard": 1}}
    (whole,) = groups(tmp_path, **options)
    (part,) = groups(tmp_path, datasets=[{"use": "squares", "params": {"samples": 4}}], **options)
    assert whole.costs["uneven"].passes_per_sample == pytest.approx((7 * 1 + 11) / 8)
    assert part.costs["uneven"].passes_per_sample == 1


def test_times_are_those_of_the_machine_that_explained_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"explainers": ["slope"], "execution": {"executor": "inline"}}
    monkeypatch.setattr("harness.worker.job_explaining.describe_hardware", lambda device: "first")
    (few,) = groups(tmp_path, datasets=[{"use": "squares", "params": {"samples": 3}}], **options)
    monkeypatch.setattr("harness.worker.job_explaining.describe_hardware", lambda device: "second")
    (all_of_them,) = groups(tmp_path, **{**options, "explainers": ["slope", "speckle"]})
    assert few.costs["slope"].hardware == "first"
    assert all_of_them.costs["slope"].hardware == "second"
    assert all_of_them.costs["slope"].seconds_per_sample != few.costs["slope"].seconds_per_sample
    assert "time and memory on" not in (tmp_path / "out" / "leaderboard.md").read_text()
    monkeypatch.setattr("harness.worker.job_explaining.describe_hardware", lambda device: "third")
    groups(tmp_path, **{**options, "explainers": ["slope", "speckle", "contrast"], "nulls": []})
    assert "time and memory on third; those of other rows on second (contrast)" in (tmp_path / "out" / "leaderboard.md").read_text()


def test_what_a_part_took_on_another_machine_is_no_time_of_the_whole_on_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"nulls": [], "execution": {"executor": "inline"}}
    monkeypatch.setattr("harness.worker.job_explaining.describe_hardware", lambda device: "first")
    (alone,) = groups(tmp_path, explainers=["slope", "both"], **options)
    assert alone.costs["both"].seconds_per_sample is not None
    monkeypatch.setattr("harness.worker.job_explaining.describe_hardware", lambda device: "second")
    other = {"use": "both", "label": "other", "params": {"first": "speckle", "second": "slope"}}
    (mixed,) = groups(tmp_path, explainers=["slope", other], **options)
    assert mixed.costs["other"].seconds_per_sample is None
    assert mixed.costs["other"].passes_per_sample == alone.costs["both"].passes_per_sample == 2


def test_only_a_declared_promise_can_be_broken(tmp_path: Path) -> None:
    (group,) = groups(tmp_path, explainers=["promising", "estimating", "slope"])
    for label, broken in (("promising", True), ("estimating", False)):
        assert group.notes[label].completeness == pytest.approx([1 / 3] * 8, rel=1e-5)
        assert group.notes[label].broken is broken
    assert group.notes["slope"].completeness is None
    markdown = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "should add up to the change in the model's output that they explain, and do not" in markdown
    assert "off by more than 33 % (promising)" in markdown
    assert "the method promises no more: half of the maps are off by more than 33 % (estimating)" in markdown


def test_models_that_differ_in_their_seed_alone_are_one_family(tmp_path: Path) -> None:
    models = [
        {"use": "seeded", "label": "a0"},
        {"use": "seeded", "label": "a1", "params": {"seed": 1}},
        {"use": "seeded", "label": "b0", "params": {"gain": 2.0}},
        {"use": "seeded", "label": "b1", "params": {"gain": 2.0, "seed": 1}},
        {"use": "seeded", "label": "alone", "params": {"gain": 3.0}},
        {"use": "seeded", "label": "frozen0", "params": {"frozen": True}},
        {"use": "seeded", "label": "frozen1", "params": {"frozen": True, "seed": 1}},
        "pools",
    ]
    found = {group.model: group.replicate_of for group in groups(tmp_path, models=models)}
    assert found["a0"] is not None and found["a0"] == found["a1"]
    assert found["b0"] is not None and found["b0"] == found["b1"] != found["a0"]
    assert [found[label] for label in ("alone", "frozen0", "frozen1", "pools")] == [None] * 4


def test_across_seeds_replicates_count_as_one(tmp_path: Path) -> None:
    seeds = [{"use": "seeded", "label": f"s{seed}", "params": {"seed": seed}} for seed in range(3)]
    names = {group.replicate_of for group in groups(tmp_path, models=[*seeds, "pools"], metrics=["inside", "drop"])}
    assert replicate_families(read_results(tmp_path / "out").groups) == [[0, 1, 2], [3]]
    assert {group.replicate_of for group in groups(tmp_path, models=seeds[:2])} == names - {None}, "named alike in every run"


def test_what_was_explained_and_the_columns_of_the_cells_are_kept(tmp_path: Path) -> None:
    (group,) = groups(tmp_path, seed=5, explain={"target": "label"}, store={"dtype": "float16"})
    assert group.explained == ExplanationSettings(target="label", seed=5, precision="fp32", dtype="float16")
    assert all(cell.key for cell in group.cells.values())


OTHERWISE: list[tuple[dict[str, Any], str]] = [
    ({"explain": {"target": "label"}}, "target 'label'"),
    ({"seed": 3}, "seed 3"),
    ({"store": {"dtype": "float16"}}, "dtype 'float16'"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "said"), OTHERWISE)
def test_runs_that_explain_otherwise_do_not_merge(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    groups(tmp_path, "one")
    groups(tmp_path, "two", explainers=["contrast"], **changes)
    runs = [read_results(tmp_path / name) for name in ("one", "two")]
    with pytest.raises(MergeError, match=said):
        merge_results(runs)


def test_runs_of_other_explainers_merge(tmp_path: Path) -> None:
    groups(tmp_path, "one")
    groups(tmp_path, "two", explainers=["contrast"])
    merged = merge_results([read_results(tmp_path / name) for name in ("one", "two")])
    assert merged.groups[0].explainer_labels == ["slope", "speckle", "contrast"]
