"""How a child is started, spoken to, limited and ended, with one that does what it is told."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.processes.child_process import ChildProcess
from tests.support.driver import until

PARROT = "tests.support.parrot"


@pytest.fixture(autouse=True, params=["forked", "new"])
def way(request: pytest.FixtureRequest, choose: Callable[[str], None]) -> str:
    """How children are started."""
    way: str = request.param
    choose(way)
    return way


@pytest.fixture
def child(tmp_path: Path) -> Iterator[ChildProcess]:
    with closing(ChildProcess(PARROT, {"greeting": "hello"}, log=tmp_path / "log")) as made:
        assert (made.receive(60) or {})["heard"] == "hello"
        yield made


def test_it_looks_for_modules_where_its_starter_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with closing(ChildProcess(PARROT, {"greeting": "hello"})) as child:
        assert str(tmp_path) in (child.receive(60) or {})["path"]


def test_bytes_follow_the_message_that_announces_them() -> None:
    received: queue.Queue[Any] = queue.Queue()

    def hear(child: ChildProcess, message: dict[str, Any] | None) -> None:
        if message is not None and "count" in message:
            place = bytearray(message["count"])
            child.receive_into(memoryview(place))
            received.put(bytes(place))

    with closing(ChildProcess(PARROT, {"greeting": ""}, hear)) as child:
        for count in (200, 0, 3):
            child.send({"bytes": count})
            assert received.get(timeout=60) == bytes(range(count))


def test_what_does_not_answer_in_time_is_killed_with_all_that_it_started(child: ChildProcess) -> None:
    child.send({"start": True, "sleep": 600})
    started = (child.receive(60) or {})["pid"]
    assert child.receive(0.2) is None
    assert child.killed_for == "timeout"
    child.close()
    assert child.describe_exit() == "signal SIGKILL"
    until(lambda: not psutil.pid_exists(started) or psutil.Process(started).status() == psutil.STATUS_ZOMBIE)


def test_how_it_ended_is_its_own_and_what_it_printed_is_kept(child: ChildProcess) -> None:
    child.send({"print": "out of luck", "exit": 3})
    assert child.receive(60) is None
    child.close()
    assert (child.killed_for, child.describe_exit(), child.last_words()) == (None, "exit code 3", "out of luck\n")


def test_what_is_no_message_ends_it(child: ChildProcess) -> None:
    child.send({"write": True})
    assert child.receive(60) is None
    assert child.killed_for == "writing into the harness's own pipe"


def test_what_the_interpreter_prints_before_any_program_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('welcome', 1, sep='\\n')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with closing(ChildProcess(PARROT, {"greeting": "hello"})) as child:
        assert (child.receive(60) or {})["heard"] == "hello"
        child.send({"write": True})
        assert child.receive(60) is None
        assert child.killed_for == "writing into the harness's own pipe"


def test_it_is_sent_to_in_vain_once_it_has_ended(child: ChildProcess) -> None:
    child.kill()
    until(lambda: child.has_exited)
    for _ in range(3):
        child.send({"print": "x" * 100_000})
    assert child.receive(60) is None
