"""A quarter of a minute of `make soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import soak


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="workers are found through /proc")
def test_a_run_disturbed_at_random_ends_as_one_that_was_not(tmp_path: Path) -> None:
    assert soak(tmp_path, seconds=15, seed=0)
