import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = "import time; time.sleep(0.6); from harness.runs.process_uptime import seconds_since_start as s; print(s(), time.monotonic(), s())"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell")
def test_what_went_before_the_import_is_counted() -> None:
    """A process that slept before it asked has run at least as long, and no longer than its parent has waited for it."""
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    first, asked, second = map(float, done.stdout.split())
    assert 0.6 <= first <= second
    assert first <= asked - before + 0.05, "the clock of the kernel has ticks of a hundredth"
