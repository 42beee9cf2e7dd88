import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["harness.leaderboard.build", "harness.results.run_folder", "harness.leaderboard.render"])
def test_analysis_and_leaderboard_do_not_import_torch_or_what_runs_models(package: str) -> None:
    code = f"import sys, {package}; print([name for name in sys.modules if name.split('.')[0] == 'torch' or name in {FORBIDDEN!r}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


FORBIDDEN = ["harness.dispatch", "harness.worker", "harness.planning", "harness.registry"]
