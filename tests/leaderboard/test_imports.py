import subprocess
import sys
from pathlib import Path

from tests.support.synthetic_results import leaderboard_results, write_run


def test_rendering_a_run_imports_nothing_that_takes_long(tmp_path: Path) -> None:
    """What the reader waits for is mostly imports."""
    write_run(tmp_path, leaderboard_results())
    code = f"""import sys
sys.argv = ["harness", "leaderboard", {str(tmp_path)!r}]
from harness.__main__ import main
try:
    main()
except SystemExit:
    pass
print(sorted({{"pandas", "scipy.stats", "torch", "matplotlib"}} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lesions-vgg" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
