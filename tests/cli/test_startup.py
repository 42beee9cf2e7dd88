"""The start of commands: what is imported when, what is begun beside it, and what the terminal says meanwhile."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.commands import preparation
from harness.commands.terminal import show_status

PLAIN, HEAVY = "name: x\nexecution: {executor: local}\n", "{'torch', 'pandas', 'scipy', 'jsonschema', 'matplotlib'}"


@pytest.mark.parametrize(
    ("spec", "options", "begins"),
    [
        (PLAIN, {}, True),
        ("name: x\n", {}, True),
        ("name: x\nexecution:\n  executor: xai-harness/local\n", {}, True),
        ("name: x\nexecution:\n  executor: ray\n", {}, False),
        (PLAIN, {"executor": "inline"}, False),
        (PLAIN, {"settings": ["execution.executor=inline"]}, False),
        (PLAIN, {"settings": ["store.path=elsewhere"]}, False),
        (PLAIN + "store: {path: elsewhere}\n", {}, False),
        (PLAIN, {"store": "begun"}, False),
        (PLAIN, {"store": "begun", "fresh": True}, True),
        (PLAIN, {"store": "s3://bucket/place"}, False),
        (PLAIN, {"store": "new"}, True),
        (None, {}, True),
    ],
)
def test_what_workers_import_is_begun_at_once_where_they_will_surely_be_needed(
    spec: str | None, options: dict[str, object], begins: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(preparation, "start_fork_server", lambda: begun.append("server"))
    monkeypatch.delenv("HARNESS_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "begun").mkdir()
    if spec is not None:
        Path("spec.yaml").write_text(spec)
    preparation.start_imports(**{"spec": Path("spec.yaml"), "settings": [], "store": None, "fresh": False, "executor": None} | options)  # type: ignore[arg-type]
    assert bool(begun) == begins


@pytest.mark.parametrize("modules", ["harness.cli, harness.processes.forked_process", "harness.runs.run, harness.runs.run_summary"])
def test_what_a_run_takes_before_its_plan_imports_nothing_that_only_its_end_takes(modules: str) -> None:
    code = f"import {modules}, sys; sys.exit(str(set(sys.modules) & {HEAVY} or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.stderr.strip() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_what_is_done_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "21")
    with pytest.raises(ValueError, match="wrong"), show_status("reading spec.yaml"):
        assert terminal.getvalue() == "reading spec.yaml"
        raise ValueError("wrong")
    assert terminal.getvalue() == "reading spec.yaml\r" + " " * 20 + "\r", "nothing of it is left"


def test_a_terminal_shows_in_one_line_what_is_done_within_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "10")
    with show_status("reading a spec.yaml"), show_status() as show:
        show("one")
        show("another, which is longer")
    left = " " * 9
    assert terminal.getvalue().split("\r") == ["reading a", "one      ", "another, ", left, "", left, ""]


def test_a_log_has_what_is_begun_and_now_and_then_what_is_done_if_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    log, now = io.StringIO(), [100.0]
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with show_status("reading spec.yaml", log=True) as show:
        for passed in (1.0, 3.9, 0.2, 4.0, 2.0):
            now[0] += passed
            show(f"importing at {now[0]:g}")
    assert log.getvalue().splitlines() == ["reading spec.yaml", "importing at 105.1", "importing at 111.1"]
    with show_status("reading spec.yaml") as show:
        show("importing")
    assert len(log.getvalue().splitlines()) == 3


def test_a_run_says_at_once_what_it_reads_unless_it_is_to_be_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is no terminal: before a spec is even found to be wrong."""
    (tmp_path / "wrong.yaml").write_text("name: [")
    for options, told in (([], True), (["--progress", "none"], False)):
        command = [sys.executable, "-m", "harness", "run", "wrong.yaml", *options]
        environment = {**os.environ, "HARNESS_FORK_SERVER": "off"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 2
        first, *rest = done.stderr.splitlines()
        assert (first == "reading wrong.yaml", bool(rest)) == (told, told)
        assert done.stdout == ""
