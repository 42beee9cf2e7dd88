"""Runs that work on one store at once, and clocks that are set back."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

import harness
from harness.store.prune import prune
from harness.store.store import Store
from tests.support.driver import alive, board, driver, until
from tests.support.spec import SMALL, small_spec

PARTS = {"explainers": ["slope", "contrast", "both"], "metrics": ["inside", "drop"]}


@pytest.mark.slow
def test_two_runs_on_one_store_end_as_one_alone(tmp_path: Path) -> None:
    pair = [driver(tmp_path, out=f"out-{number}", execution={"shard": 1}, **PARTS) for number in range(2)]
    processes = [run.start() for run in pair]
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert "damaged" not in "".join(said)
    alone = driver(tmp_path, out="alone", store="own", execution={"shard": 1}, **PARTS)
    alone.undisturbed()
    assert pair[0].board() == pair[1].board() == alone.board()
    (tmp_path / "calls").unlink()
    assert pair[0].run().returncode == 0
    assert not pair[0].calls()


def test_two_runs_into_one_folder_are_refused_the_second(tmp_path: Path) -> None:
    first = driver(tmp_path, explainers=["waits", "slope"], metrics=["inside"])
    first.arm("explain")
    process = first.start()
    worker = first.mark("explain", process)
    second = driver(tmp_path, store="another", explainers=["slope"], metrics=["inside"]).run()
    assert second.returncode == 2
    assert f"the run folder {tmp_path / 'out'} is in use by another run" in second.stderr
    assert "waits" in (tmp_path / "out" / "spec.yaml").read_text(), "the first run's files are as they were"
    process.kill()
    process.communicate()
    until(lambda: not alive(worker))
    assert driver(tmp_path, explainers=["slope"], metrics=["inside"]).run().returncode == 0, "the dead have no folder"


def small(folder: Path) -> harness.RunResult:
    spec = small_spec(**PARTS)
    return harness.run(spec, out=folder / "out", store=folder / "store", plugins=[SMALL])


def test_a_clock_set_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By ten years, between two runs: what was written lies in the future then."""
    first, shown = small(tmp_path), board
    before = shown(tmp_path / "out")
    now = time.time
    monkeypatch.setattr("time.time", lambda: now() - 10 * 365 * 86400)
    again = small(tmp_path)
    assert first.failures == again.failures == []
    assert (again.summary["jobs"], again.summary["passes"]) == (0, 0)
    assert shown(tmp_path / "out") == before
    store = Store(tmp_path / "store")
    assert prune(store, older="1d").groups == []


def test_files_from_the_future_and_the_past_are_read_alike(tmp_path: Path) -> None:
    small(tmp_path)
    for number, path in enumerate(sorted((tmp_path / "store").rglob("*"))):
        os.utime(path, (0, 0) if number % 2 else (2**33, 2**33))
    assert small(tmp_path).summary["jobs"] == 0


def test_a_fresh_run_is_fresh_though_the_clock_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.registry.registry import Registry
    from harness.runs.run import Run
    from harness.spec.load import load_spec

    registry = Registry.discover([SMALL])
    loaded = load_spec(small_spec(**PARTS), registry)
    monkeypatch.setattr("time.strftime", lambda form, *_: "20261122T100000")
    stores = {Run(loaded, registry, tmp_path / "out", fresh=True).store.address for _ in range(2)}
    assert len(stores) == 2


def test_what_was_pruned_while_a_run_went_on_is_shown_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are gone when the results are collected: no number is made up for them."""
    from harness.runs import conclusion

    collect = conclusion.collect_results

    def late(*arguments: object) -> object:
        shutil.rmtree(tmp_path / "store" / "rows")
        return collect(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(conclusion, "collect_results", late)
        found = small(tmp_path)
    assert {(state, reason) for *_, state, reason in found.failures} == {("blocked", "not computed: its rows are missing from the store")}
    assert small(tmp_path).failures == []
