"""The start of commands: what is imported when, what is begun beside it, and what the terminal says meanwhile."""

from __future__ import annotations

import io
import subprocess
import sys
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


def test_a_log_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with show_status("reading spec.yaml"):
        pass
    assert log.getvalue() == ""
