"""A run that is killed again and again ends as one that was not, and computes nothing twice that was committed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.store.row_files import decode_rows
from tests.support.driver import board
from tests.support.segments import read_segment
from tests.support.spec import SMALL, small_spec

SPEC = small_spec(
    datasets=[{"use": "squares", "params": {"samples": 16}}],
    explainers=[{"use": "slope", "params": {"pause": 0.02}}, "contrast", "both"],
    execution={"executor": "local", "workers": 2, "shard": 2},
)


def command(folder: Path, out: str, store: str) -> list[str]:
    spec = folder / "spec.yaml"
    spec.write_text(json.dumps(SPEC))
    arguments = ["run", str(spec), "--out", str(folder / out), "--store", str(folder / store), "--plugin", str(SMALL), "--progress", "none"]
    return [sys.executable, "-m", "harness", *arguments]


def start(folder: Path, out: str, store: str, calls: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "SMALL_CALLS": str(calls)}
    streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command(folder, out, store), env=environment, start_new_session=True, **streams)


def files(store: Path) -> int:
    return sum(path.suffix == ".parquet" for path in store.rglob("*")) if store.exists() else 0


def finished(store: Path, group: str, key: str) -> set[str]:
    tables = [decode_rows(read_segment(path)) for path in (store / "rows" / group[:2] / group).glob("*.parquet")]
    return {row["sample"] for table in tables for row in table.to_pylist() if row["column"] == key}


@pytest.mark.slow
def test_killed_ten_times_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    whole = start(tmp_path, "whole", "whole-store", tmp_path / "whole-calls")
    assert whole.wait() == 0, whole.stderr and whole.stderr.read().decode()
    columns = json.loads((tmp_path / "whole" / "columns.json").read_text())["columns"]
    group, key = next((column["key"], column["scores"]["inside"]) for column in columns if column["explainer"] == "slope")
    moments, scored = random.Random(0), list[str]()
    for _ in range(10):
        done = finished(tmp_path / "store", group, key)
        calls.write_text("")
        process = start(tmp_path, "out", "store", calls)
        until = files(tmp_path / "store") + moments.randrange(1, 12)
        while files(tmp_path / "store") < until:
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(moments.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.3)  # its workers notice that it is gone
        computed = {line.split()[2] for line in calls.read_text().splitlines() if line.startswith("inside slope")}
        assert not computed & done
        scored.extend(computed)
    last = start(tmp_path, "out", "store", calls)
    assert last.wait() == 0, last.stderr and last.stderr.read().decode()
    assert board(tmp_path / "out") == board(tmp_path / "whole")
    assert scored, "no kill came late enough to have anything to resume"
