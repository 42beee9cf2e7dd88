"""Runs of the small components by the command, as processes that a test can do something to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import harness
from harness.processes.forked_process import ADDRESS_VARIABLE
from tests.support.spec import SMALL, small_spec

FAULTY, RELUCTANT = SMALL.with_name("faulty.py"), SMALL.with_name("reluctant.py")
LOCAL = {"executor": "local", "workers": 1, "devices": ["cpu"], "shard": 2, "timeout": 60, "startup_timeout": 120}


@dataclass
class Driver:
    """A spec in a folder with its run folder ``out``, its ``store``, and what its components note."""

    folder: Path
    spec: dict[str, Any]
    out: str = "out"
    store: str = "store"
    wrapped: list[str] = field(default_factory=list)
    plugins: list[Path] = field(default_factory=lambda: [SMALL, FAULTY, RELUCTANT])
    address: str | None = None  # of a store that is elsewhere
    alone: bool = False  # whether it has a fork server of its own

    @property
    def command(self) -> list[str]:
        path = self.folder / f"{self.out}.yaml"
        path.write_text(json.dumps(self.spec))
        places = ["--out", str(self.folder / self.out), "--store", self.address or str(self.folder / self.store)]
        plugins = [text for plugin in self.plugins for text in ("--plugin", str(plugin))]
        return [*self.wrapped, sys.executable, "-m", "harness", "run", str(path), *places, *plugins, "--progress", "none"]

    @property
    def environment(self) -> dict[str, str]:
        marks = self.folder / "marks"
        marks.mkdir(exist_ok=True)
        return {
            **{name: text for name, text in os.environ.items() if not (self.alone and name == ADDRESS_VARIABLE)},
            "FAULTY_MARKS": str(marks),
            "RELUCTANT": str(marks),
            "SMALL_CALLS": str(self.folder / "calls"),
            "OMP_NUM_THREADS": "1",
        }

    def start(self, **options: Any) -> subprocess.Popen[str]:
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(self.command, env=self.environment, start_new_session=True, **{**streams, **options})

    def run(self, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command, env=self.environment, capture_output=True, text=True, timeout=300, **options)

    def undisturbed(self) -> None:
        """The same run in this process, for what is compared with or begun from it."""
        spec = {**self.spec, "execution": {"executor": "inline", "devices": ["cpu"], "shard": self.spec["execution"]["shard"]}}
        assert harness.run(spec, out=self.folder / self.out, store=self.folder / self.store, plugins=self.plugins).failures == []

    def board(self) -> Any:
        return board(self.folder / self.out)

    def states(self) -> dict[tuple[str, str], str]:
        """The state of each cell of the leaderboard."""
        rows = json.loads((self.folder / self.out / "leaderboard.json").read_text())["groups"][0]["rows"]
        return {(row["label"], metric): cell["status"] for row in rows for metric, cell in row["cells"].items()}

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def arm(self, name: str) -> None:
        """Have the first worker that comes to this wait there."""
        (Path(self.environment["FAULTY_MARKS"]) / f"{name}.armed").touch()

    def mark(self, name: str, process: subprocess.Popen[str]) -> int:
        """The process that left a mark, once it has."""
        path = self.folder / "marks" / name
        until(lambda: path.exists() and bool(path.read_text()), process)
        return int(path.read_text())


def driver(folder: Path, *, out: str = "out", store: str = "store", **changes: Any) -> Driver:
    """A driver of the small spec with some keys changed; ``execution`` is added to `LOCAL`."""
    execution = {**LOCAL, **changes.pop("execution", {})}
    return Driver(folder, small_spec(**{"nulls": [], **changes, "execution": execution}), out, store)


def board(folder: Path) -> Any:
    """The leaderboard without what two runs may differ in: when they ran, and how long explaining took."""
    document = json.loads((folder / "leaderboard.json").read_text())
    document.pop("run")
    for group in document["groups"]:
        for row in group["rows"]:
            row.pop("costs")
    return document


def until(true: Callable[[], bool], process: subprocess.Popen[str] | None = None, seconds: float = 120) -> None:
    """Wait until something is true, while the process lives."""
    end = time.monotonic() + seconds
    while not true():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.02)


def alive(number: int) -> bool:
    """Whether a process runs (one that has ended and is not reaped does not)."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def killed(number: int) -> None:
    """End a process as the kernel would."""
    os.kill(number, signal.SIGKILL)
