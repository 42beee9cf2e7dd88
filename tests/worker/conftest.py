"""What tests of work share."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.planning.jobs import Job
from harness.planning.sharding import plan_jobs
from harness.registry.registry import Registry
from harness.runs.run import Run
from harness.spec.load import load_spec
from harness.store.store import Store
from harness.worker.component_cache import ComponentCache
from harness.worker.job_runner import JobRunner
from tests.support.spec import SMALL, small_spec


@pytest.fixture
def work(tmp_path: Path) -> tuple[JobRunner, Job]:
    """A bench, and the job of one explainer under three metrics."""
    registry = Registry.discover([SMALL])
    run = Run(
        load_spec(small_spec(explainers=["slope"], nulls=[]), registry), registry, tmp_path / "out", tmp_path / "store", plugins=[SMALL]
    )
    (job,) = plan_jobs(run.plan(), "auto", None, "float32")
    return JobRunner(ComponentCache(registry), Store(tmp_path / "store")), job
