"""The studies of papers: every spec is one, small ones run end to end beside the published tables, and a kill costs an epoch at most."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.registry.registry import Registry
from harness.results.run_folder import read_results
from harness.runs.published_tables import published_tables
from harness.runs.run import Run
from harness.runs.training import Entry, TrainingReporter
from harness.spec.load import load_spec
from harness.store.store import Store
from tests.support.driver import until

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "specs" / "studies"
TINY_TRAINING = {"data.params.samples": 16, "validation.params.samples": 8, "epochs": 2}
MOHAMED = {
    "datasets.0.params.samples": 2,
    **{f"models.0.params.{name}": value for name, value in TINY_TRAINING.items()},
    "metrics.0.params.steps": 1,
    "metrics.1.params": {"samples": 8, "epochs": 1, "accuracy": 0.1},
    "explain.samples": "all",
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


@pytest.mark.parametrize("file", sorted(STUDIES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_study_is_valid_and_has_a_page(file: Path, registry: Registry) -> None:
    loaded = load_spec(file, registry)
    assert loaded.spec.name == file.stem
    page = ROOT / "docs" / "studies" / f"{PAGES.get(file.stem, file.stem)}.md"
    assert f"specs/studies/{file.name}" in page.read_text()
    tables = published_tables(loaded)
    assert all(row.labels for table in tables for row in table.rows)
    assert all(table.source.strip() for table in tables)


PAGES = {
    name: "-".join(name.split("-")[:2]) for name in (file.stem for file in STUDIES.glob("*-*-*.yaml"))
}  # variants of a study share its page


def settings(given: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(given.items())


@pytest.mark.slow
def test_sanity_checks_run_small_and_stand_beside_the_published(tmp_path: Path) -> None:
    run = harness.run(STUDIES / "mohamed-2022.yaml", out=tmp_path / "out", store=tmp_path / "store", settings=settings(MOHAMED))
    assert run.failures == []
    (checks,) = run.leaderboard.published
    assert len(checks.cells) == 9
    shifted = {name: cells["input shifted"] for name, cells in checks.cells.items()}
    assert shifted["gradients"].verdict == "pass" and shifted["guided-backprop"].verdict == "pass"
    assert shifted["input-x-gradient"].verdict == "fail", "true of any network, trained or not"
    assert shifted["gradients"].published_words == "pass"
    assert read_results(tmp_path / "out").published


class Epochs(TrainingReporter):
    """Notes the epochs that end."""

    def __init__(self) -> None:
        self.ended: list[int] = []

    def epoch(self, training: Any, entry: Entry) -> None:
        self.ended.append(int(entry["epoch"]))


@pytest.mark.slow
def test_a_study_that_is_killed_in_the_middle_of_a_training_loses_an_epoch_at_most(tmp_path: Path, registry: Registry) -> None:
    given = [*settings({**MOHAMED, "models.0.params.epochs": 8}), ("execution.workers", 1)]
    store = tmp_path / "store"
    texts = [text for name, value in given for text in ("--set", f"{name}={value}")]
    command = [sys.executable, "-m", "harness", "train", str(STUDIES / "mohamed-2022.yaml"), "--store", str(store), *texts]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def checkpointed() -> int:
        return max((len(found.record["curve"]) for found in Store(store).trainings()), default=0) if store.is_dir() else 0

    until(lambda: checkpointed() >= 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    kept = checkpointed()
    assert 2 <= kept < 8, "it was in the middle"
    reporter = Epochs()
    run = Run(load_spec(STUDIES / "mohamed-2022.yaml", registry, given), registry, tmp_path / "out", store)
    assert run.train(run.trainings(), reporter) == {}
    assert reporter.ended == list(range(kept + 1, 9)), "no epoch that had a checkpoint is done again"
