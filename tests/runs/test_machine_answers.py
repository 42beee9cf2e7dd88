"""A run in a new store asks nothing that this machine was answered before, and finds out where that does not hold any more."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.planning import machine_answers
from harness.planning.facts import Unavailable
from harness.registry.registry import Registry
from harness.runs.run import Run
from harness.spec.load import load_spec
from tests.support.spec import SMALL, small_spec

UNSEEN = '''
import os, torch
from harness.api import Sample, dataset

@dataset()
def unseen():
    """Two images of a grey that nothing tells of."""
    shade = float(os.environ["HARNESS_SHADE"])
    return [Sample(torch.full((3, 12, 12), shade), 0, f"grey-{place}") for place in range(2)]
'''


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(machine_answers, "cache_folder", lambda: tmp_path / "cache/cards")  # but for cards, which take long to make
    monkeypatch.delenv("HARNESS_ANSWERS")
    (tmp_path / "unseen.py").write_text(UNSEEN)
    return [SMALL, tmp_path / "unseen.py"]


def refuse(request: object) -> None:
    raise Unavailable("nobody is there")


def test_a_plan_in_a_new_store_asks_nothing_unless_all_is_to_be_fresh(tmp_path: Path, plugins: list[Path]) -> None:
    registry = Registry.discover(plugins)
    loaded = load_spec(small_spec(), registry)

    def keys(name: str, answered: bool, fresh: bool = False) -> list[str]:
        run = Run(loaded, registry, tmp_path / "out", tmp_path / name, plugins=plugins, fresh=fresh)
        if not answered:
            run.executor.ask = refuse  # type: ignore[method-assign, assignment]
        plan = run.plan()
        assert all(group.blocked is None for group in plan.groups) == (answered or not fresh)
        return [column.key for group in plan.everything for column in group.columns]

    assert keys("one", answered=True) == keys("two", answered=False) != []
    keys("three", answered=False, fresh=True)


def test_data_that_changed_unseen_are_refused_and_found_out_about_by_the_next_run(
    tmp_path: Path, plugins: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small_spec(datasets=["unseen"], explainers=["slope"], metrics=["drop"], nulls=[])

    def run(store: str, shade: str) -> harness.RunResult:
        monkeypatch.setenv("HARNESS_SHADE", shade)
        return harness.run(spec, out=tmp_path / "out", store=tmp_path / store, plugins=plugins)

    def drops(found: harness.RunResult) -> list[float]:
        assert found.failures == []
        return [row["value"] for row in found.scores.to_pylist()]

    dark = drops(run("one", "0.25"))
    refused = run("two", "0.75")
    assert ["the dataset changed while the run was going on" in reason for *_, reason in refused.failures] == [True]
    bright = drops(run("two", "0.75"))
    assert bright == drops(run("three", "0.75")) != dark
