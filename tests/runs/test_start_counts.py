"""Counts of what a start does: processes, imports of a plugin in each, and samples read in each."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.support.driver import driver

PLUGIN = """
import os
from pathlib import Path

import torch

from harness.api import Sample, dataset


def note(what):
    with Path(os.environ["SMALL_CALLS"]).open("a") as stream:
        stream.write(f"{what} {os.getpid()}\\n")


note("import")


class Counted:
    class_names = ("left", "right")

    def __len__(self):
        return 12

    def __getitem__(self, index):
        note(f"read-{index}")
        image = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(index))
        return Sample(image, index % 2, f"sample-{index}", image[0] > 0.5)


@dataset()
def counted():
    "Noise."
    return Counted()
"""
REREAD = 8  # samples that are read again, to see that they are the same


@pytest.mark.slow
def test_who_has_read_the_data_goes_on_with_them_and_nothing_is_imported_twice(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(PLUGIN)
    run = driver(tmp_path, datasets=["counted"], explainers=["slope"], metrics=["drop"], reference=None, execution={"workers": 2})
    command = [*run.command, "--plugin", str(tmp_path / "counting.py")]
    done = subprocess.run(command, env=run.environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    notes = [line.split() for line in run.calls() if line.startswith(("import", "read"))]
    importers = Counter(process for what, process in notes if what == "import")
    assert set(importers.values()) == {1} and len(importers) <= 3, "the child that makes cards, and workers"
    readers = {process: [what for what, by in notes if by == process and what != "import"] for process in importers}
    whole = [f"read-{index}" for index in range(12)]
    (planner,) = (process for process, reads in readers.items() if reads[:12] == whole)
    assert all(len(reads) <= 12 for process, reads in readers.items() if process != planner), "nobody else looks through the data"
    assert len(readers[planner]) > 12 + REREAD, "who has looked through them does jobs"
    assert {path.name for path in (run.folder / run.out / "workers").iterdir()} <= {"worker-0.log", "worker-1.log"}
    journal = [json.loads(line) for line in (run.folder / run.out / "journal.jsonl").read_text().splitlines()]
    (told,) = (event["waited"] for event in journal if event["event"] == "startup")
    assert {"workers", "data", "networks"} <= set(told)
