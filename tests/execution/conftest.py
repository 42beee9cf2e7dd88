"""What tests of work share."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.execution.work import Bench
from harness.execution.workbench import Workbench
from harness.planning.jobs import Job
from harness.planning.sharding import jobs
from harness.registry.registry import Registry
from harness.runs.run import Run
from harness.spec.load import load
from harness.store.store import Store
from tests.support.spec import SMALL, small_spec


@pytest.fixture
def work(tmp_path: Path) -> tuple[Bench, Job]:
    """A bench, and the job of one explainer under three metrics."""
    registry = Registry.discover([SMALL])
    run = Run(load(small_spec(explainers=["slope"], nulls=[]), registry), registry, tmp_path / "out", tmp_path / "store", plugins=[SMALL])
    (job,) = jobs(run.plan(), "auto", None, "float32")
    return Bench(Workbench(registry), Store(tmp_path / "store")), job
