"""What asks a run to end: what is committed stays, the run folder and the exit code say so, and the same command goes on."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.runs.signals import InterruptedBySignal, ignore_signals, interrupt_on_signals, signal_number
from tests.support.driver import Driver, driver, until

PARTS = {"explainers": [{"use": "slope", "params": {"pause": 0.2}}], "metrics": ["inside"], "execution": {"shard": 1}}


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Processes hear of a terminal that closes, also where these tests are run by ``nohup``, which has its children ignore it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def begun(run: Driver, terminal: int | None = None) -> bool:
    """Whether maps are there; what the run has written to its terminal is read meanwhile, which takes no more than a page unread."""
    if terminal is not None:
        with suppress(BlockingIOError):
            os.read(terminal, 2**16)
    return any((run.folder / "store" / "maps").rglob("*.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_and_it_goes_on(tmp_path: Path, name: str) -> None:
    run, number = driver(tmp_path, **PARTS), getattr(signal, name)
    process = run.start()
    until(lambda: begun(run), process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "goes on where this one stopped" in said
    assert "Traceback" not in said
    assert run.states() == {("slope", "inside"): "blocked"}
    finished = set(pq.read_table(tmp_path / "out" / "scores.parquet").column("sample").to_pylist())
    (tmp_path / "calls").unlink()
    assert run.run().returncode == 0
    assert not finished & {line.split()[2] for line in run.calls() if line.startswith("inside")}


@pytest.mark.slow
@pytest.mark.parametrize("heard", [True, False])
def test_a_terminal_that_closes_costs_no_result(tmp_path: Path, heard: bool) -> None:
    """Its shell tells the run so, unless that was begun with ``nohup``."""
    run = driver(tmp_path, **PARTS)
    command = [*run.command[:-2], "--progress", "rich"]
    number, terminal = pty.fork()
    if number == 0:
        if not heard:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execve(command[0], command, run.environment)
    os.set_blocking(terminal, False)
    until(lambda: begun(run, terminal))
    os.close(terminal)
    _, status = os.waitpid(number, 0)
    assert os.waitstatus_to_exitcode(status) == (128 + signal.SIGHUP if heard else 0)
    assert run.states() == {("slope", "inside"): "blocked" if heard else "ok"}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_interrupt_but_not_what_must_be_whole(name: str) -> None:
    number = getattr(signal, name)
    with pytest.raises(KeyboardInterrupt) as caught, interrupt_on_signals():
        with ignore_signals():
            signal.raise_signal(number)
        signal.raise_signal(number)
    assert isinstance(caught.value, InterruptedBySignal)
    assert signal_number(caught.value) == number
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupt_on_signals():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL, "the other one interrupts all the same"
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_no_terminal_at_all(tmp_path: Path) -> None:
    """Neither input nor output are open."""
    run = driver(tmp_path, explainers=["slope"], metrics=["inside"], execution={"executor": "inline"})
    quoted = " ".join(f"'{part}'" for part in run.command)
    done = subprocess.run(["/bin/sh", "-c", f"exec {quoted} <&- >&- 2>&-"], env=run.environment, timeout=120)
    assert done.returncode == 0
    assert run.states() == {("slope", "inside"): "ok"}


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_of_20_columns_shows_all_and_nothing_wider(tmp_path: Path, variables: dict[str, str]) -> None:
    import fcntl
    import struct
    import termios

    run = driver(tmp_path, explainers=["slope", "contrast"], execution={"executor": "inline"})
    if variables:  # once it is seen to compute; these change what is written alone
        run.undisturbed()
    number, terminal = pty.fork()
    if number == 0:
        environment = {**run.environment, "TERM": "xterm", "PYTHONUTF8": "1", **variables}
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 20, 0, 0))
        os.execve(run.command[0], run.command, environment)
    shown = b""
    with suppress(OSError):  # which is raised when all that it wrote is read
        while piece := os.read(terminal, 65536):
            shown += piece
    os.close(terminal)
    _, status = os.waitpid(number, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown.decode()
    text = shown.decode()
    assert "Traceback" not in text
    assert ("\x1b[" in text) == (variables == {})
    assert "slope" in text and "contrast" in text
