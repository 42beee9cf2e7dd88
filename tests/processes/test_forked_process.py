"""Children of a fork server are what new interpreters are, and it is refused, ended and replaced where they would not be."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.processes import forked_process
from harness.processes.child_process import ChildProcess
from harness.processes.fork_server import CHILDREN_BEFORE_LATER, open_devices
from harness.processes.forked_process import ADDRESS_VARIABLE, OFF, ForkedProcess, OwnServer, fork_child
from harness.processes.inheritance import child_environment, differing_variables, installation_state, shadowed_modules
from harness.worker.preloading import WorkerImports, wanted_threads
from tests.support.driver import alive, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there is a fork server")

PARROT, REVEALING = "tests.support.parrot", "tests.support.revealing"
Choose = Callable[[str], None]
SET_BY_OWNER = {ADDRESS_VARIABLE}


def reveal(choose: Choose, way: str, **environment: str) -> dict[str, Any]:
    choose(way)
    with closing(ChildProcess(REVEALING, {}, environment=environment)) as child:
        assert isinstance(child._process, ForkedProcess) == (way == "forked")
        return child.receive(300) or {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OMP_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": ""},
        {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "2"},
    ],
    ids=lambda environment: "-".join(environment.values()) or "none",
)
def test_a_child_is_what_a_new_interpreter_is_and_computes_the_same_bits(
    choose: Choose, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "later").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "later"))
    new, forked = (reveal(choose, way, **environment) for way in ("new", "forked"))
    for told in (new, forked):
        told["same"]["variables"].pop(ADDRESS_VARIABLE)
    assert forked["same"] == new["same"]
    assert new["same"]["leads"]
    assert (forked["threads"], forked["numbers"]) == (new["threads"], new["numbers"])
    assert len(set(new["numbers"])) == len(new["numbers"])


@pytest.mark.skipif(os.environ.get(ADDRESS_VARIABLE, OFF) == OFF, reason="none is wanted")
def test_children_of_tests_are_forked() -> None:
    """Whatever the modules of other tests have set when they were imported, which all are before the first begins."""
    with closing(ChildProcess(PARROT, {"greeting": "hello"})) as child:
        assert isinstance(child._process, ForkedProcess)


def test_generators_that_nobody_seeds_are_not_the_same_in_two_children(choose: Choose) -> None:
    first, second = (reveal(choose, "forked")["drawn"] for _ in range(2))
    assert len({*first, *second}) == len(first) + len(second) == 6


@pytest.mark.parametrize("way", ["forked", "new"])
def test_how_it_ended_is_told_as_of_any_process(choose: Choose, way: str, tmp_path: Path) -> None:
    choose(way)
    for told, ended in (({"exit": 3}, "exit code 3"), ({"signal": "SIGSEGV"}, "signal SIGSEGV"), ({"raise": "by design"}, "exit code 1")):
        with closing(ChildProcess(PARROT, {"greeting": ""}, log=tmp_path / ended)) as child:
            assert child.receive(60)
            assert not child.has_exited
            child.send(told)
            assert child.receive(60) is None
        assert (child.describe_exit(), "by design" in child.last_words()) == (ended, "raise" in told)
        until(lambda ended=child: not psutil.pid_exists(ended._process.pid))  # it is reaped


def test_a_child_starts_others_from_the_same_server(choose: Choose, server: OwnServer) -> None:
    choose("forked")
    assert server.process is not None
    with closing(ChildProcess(PARROT, {"greeting": ""})) as child:
        assert child.receive(60)
        child.send({"child": PARROT})
        second = psutil.Process((child.receive(60) or {})["pid"])
        assert second.ppid() == psutil.Process(child._process.pid).ppid() == server.process.pid
        assert second.cmdline()[:4] == [sys.executable, "-P", "-m", PARROT]
        os.kill(child._process.pid, signal.SIGKILL)
        until(lambda: not alive(second.pid))


def test_a_child_that_hangs_where_no_thread_runs_ends_with_who_started_it(choose: Choose) -> None:
    choose("forked")
    with closing(ChildProcess(PARROT, {"greeting": ""})) as child:
        assert child.receive(60)
        child.send({"child": PARROT, "told": {"hang": True}})
        hanging = (child.receive(60) or {})["pid"]
        until(lambda: psutil.Process(hanging).status() == psutil.STATUS_RUNNING or psutil.Process(hanging).cpu_times().user > 0)
        assert alive(hanging)
        os.kill(child._process.pid, signal.SIGKILL)
        until(lambda: not alive(hanging))


# what a server does not fork


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("an unknown variable", {"SOMETHING": "else"}),
        ("where memory comes from", {"MALLOC_ARENA_MAX": "1"}),
        ("a number of threads that is none", {"OMP_NUM_THREADS": "2,1"}),
        ("a number of threads that is no more", {"OMP_NUM_THREADS": "0"}),
    ],
)
def test_what_is_read_when_libraries_are_loaded_must_be_the_same(choose: Choose, why: str, changes: dict[str, str]) -> None:
    choose("forked")
    assert fork_child(PARROT, child_environment(changes), 2) is None, why
    with closing(ChildProcess(PARROT, {"greeting": "hello"}, environment=changes)) as child:
        assert (child.receive(60) or {})["heard"] == "hello", "it is a new interpreter then"


@pytest.mark.parametrize("name", ["torch.py", "numpy", "sitecustomize.py"])
def test_nothing_that_would_have_been_imported_instead_is_passed_over(choose: Choose, tmp_path: Path, name: str) -> None:
    choose("forked")
    path = tmp_path / name
    path.touch() if path.suffix else path.mkdir()
    assert fork_child(PARROT, child_environment({"PYTHONPATH": str(tmp_path)}), 2) is None


def test_limits_are_those_of_who_starts_it(choose: Choose) -> None:
    choose("forked")
    ask = (
        "import os; from harness.processes.forked_process import fork_child; from harness.processes.inheritance import child_environment\n"
        "{}\nchild = fork_child('tests.support.parrot', child_environment(), 2)\nprint(child is not None)"
    )
    changes = ["pass", "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))", "os.umask(0o077)", "os.nice(1)"]
    changes += ["import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)", "import signal; signal.pthread_sigmask(0, [signal.SIGUSR1])"]
    told = []
    for change in changes:
        done = subprocess.run([sys.executable, "-c", ask.format(change)], capture_output=True, text=True, timeout=120, check=True)
        told.append(done.stdout.strip())
    assert told == ["True"] + ["False"] * (len(changes) - 1)


def test_changed_code_and_installed_distributions_are_seen(tmp_path: Path) -> None:
    before = installation_state([str(tmp_path)])
    assert any(name.endswith("harness/processes/fork_server.py") for name, *_ in before)
    (tmp_path / "new-1.0.dist-info").mkdir()
    after = installation_state([str(tmp_path)])
    assert {name for name, *_ in set(after) - set(before)} == {str(tmp_path / "new-1.0.dist-info")}


@pytest.mark.slow
def test_a_server_from_before_an_installation_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = OwnServer(idle=1e6)
    with contextlib.ExitStack() as stack:
        stack.callback(made.end)
        monkeypatch.setenv(ADDRESS_VARIABLE, made.address)
        with closing(ChildProcess(PARROT, {"greeting": ""})) as child:
            assert isinstance(child._process, ForkedProcess)
        (tmp_path / "new-1.0.dist-info").mkdir()
        assert fork_child(PARROT, child_environment(), 2) is None


def test_variables_that_differ() -> None:
    mine = {"A": "1", "B": "1", "OMP_NUM_THREADS": "1", "HARNESS_CACHE": "x"}
    assert differing_variables({**mine, "OMP_NUM_THREADS": "2", "HARNESS_CACHE": "y", "PYTEST_X": ""}, mine) == []
    assert differing_variables({"B": "2", "C": "1"}, mine, ["C"]) == ["A", "B"]


def test_shadowed_modules(tmp_path: Path) -> None:
    for name in ("torch.py", "torch.txt", "other.py", "numpy.cpython-311.so"):
        (tmp_path / name).touch()
    (tmp_path / "scipy").mkdir()
    found = shadowed_modules([str(tmp_path), str(tmp_path / "away")], {"torch", "numpy", "scipy"})
    assert sorted(Path(path).name for path in found) == ["numpy.cpython-311.so", "scipy", "torch.py"]


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({"OMP_NUM_THREADS": "1"}, (1, 1, 1)),
        ({"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "3", "GOTO_NUM_THREADS": "1"}, (4, 3, 1)),
        ({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "99"}, (1, 1, len(os.sched_getaffinity(0)))),
        ({}, (len(os.sched_getaffinity(0)),) * 3),
    ],
)
def test_threads_that_variables_mean(environment: dict[str, str], threads: tuple[int, int, int]) -> None:
    assert wanted_threads(environment) == threads


# what a server is


def test_a_server_runs_one_thread_has_no_device_and_nothing_that_may_be_edited(choose: Choose, server: OwnServer) -> None:
    choose("forked")
    with closing(ChildProcess(PARROT, {"greeting": ""})) as child:
        assert child.receive(60)
        assert server.process is not None
        process = psutil.Process(server.process.pid)
        assert process.num_threads() == 1
        code = "import sys; print([name for name in sys.modules if name.partition('.')[0] in {'torch', 'harness'}])"
        child.send({"run": code})
        names = (child.receive(60) or {})["printed"]
        assert "'torch'" in names
        child.send({"run": "import torch; print(torch.cuda.is_initialized(), torch.cuda._is_in_bad_fork())"})
        assert (child.receive(60) or {})["printed"] == "False False\n"


def test_a_device_that_is_held_is_seen() -> None:
    before = open_devices()
    with Path("/dev/zero").open("rb"):
        assert open_devices() == sorted([*before, "/dev/zero"])
    assert open_devices() == before


def test_another_interpreter_is_not_forked(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> None:
    choose("forked")
    monkeypatch.setattr(sys, "executable", f"{sys.executable}-of-another")
    assert fork_child(PARROT, child_environment(), 2) is None


HOLDER = """
import socket, sys
from types import SimpleNamespace
from harness.processes.fork_server import ForkServer
held = open(sys.argv[1])
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind("\\0harness-holder-" + sys.argv[2])
listener.listen()
ForkServer(listener.detach(), 1e6, [], SimpleNamespace(modules=[], later=[], are_sound=lambda: True)).serve()
"""


def test_a_server_that_holds_a_device_serves_nobody(tmp_path: Path) -> None:
    """It ends by itself, though its owner goes on; one that holds a file waits to be asked."""
    (tmp_path / "file").touch()
    for held, ends in (("/dev/zero", True), (str(tmp_path / "file"), False)):
        command = [sys.executable, "-c", HOLDER, held, tmp_path.name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            if ends:
                assert process.wait(60) == 0
                continue
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
                until(lambda: link.connect_ex(f"\0harness-holder-{tmp_path.name}") == 0)
                link.settimeout(60)
                link.send(b"nonsense")
                assert link.recv(1000).startswith(b"{")


LATER = """
import runpy, socket, sys
from types import SimpleNamespace
from harness.processes.fork_server import ForkServer
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind("\\0" + sys.argv[1])
listener.listen()
imports = SimpleNamespace(
    modules=["wave"],
    later=["colorsys", "nothing_of_the_kind", "sndhdr"],
    are_sound=lambda: sys.argv[2] == "sound" or "colorsys" not in sys.modules,
    why_not=lambda environment: "",
    prepare_child=lambda environment: None,
)
module = ForkServer(listener.detach(), 1e6, [], imports).serve()
if module is not None:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
WHICH = "import gc, sys; print(gc.isenabled(), [name for name in ('wave', 'colorsys', 'sndhdr') if name in sys.modules])"


@pytest.mark.parametrize("state", ["sound", "unsound"])
def test_what_only_some_need_is_imported_once_some_have_been_forked(state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first children need not wait for it; where it turns out to be what nobody may fork, those that are there go on."""
    address = f"harness-later-{state}-{tmp_path.name}"
    monkeypatch.setenv(ADDRESS_VARIABLE, address)
    command = [sys.executable, "-c", LATER, address, state]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, env=child_environment()) as process,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link,
        contextlib.ExitStack() as stack,
    ):
        until(lambda: link.connect_ex(f"\0{address}") == 0)
        children: list[ChildProcess] = []

        def told() -> tuple[bool, str]:
            """Whether one more child is forked, and what it says of itself."""
            children.append(ChildProcess(PARROT, {"greeting": ""}))
            stack.callback(children[-1].close)
            assert children[-1].receive(60)
            children[-1].send({"run": WHICH})
            return isinstance(children[-1]._process, ForkedProcess), (children[-1].receive(60) or {})["printed"].strip()

        assert [told() for _ in range(CHILDREN_BEFORE_LATER)] == [(True, "True ['wave']")] * CHILDREN_BEFORE_LATER
        expected = (True, "True ['wave', 'colorsys', 'sndhdr']") if state == "sound" else (False, "True []")
        until(lambda: told() == expected)
        assert process.poll() is None
        children[0].send({"run": WHICH})
        assert children[0].receive(60), "it goes on"
        stack.close()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_module_that_may_be_edited_is_never_forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert WorkerImports.are_sound() is False, "tests are such modules"
    monkeypatch.setattr(
        sys, "modules", {name: module for name, module in sys.modules.items() if name.partition(".")[0] in {"torch", "harness"}}
    )
    assert WorkerImports.are_sound() is True
    (tmp_path / "mine.py").touch()
    monkeypatch.setitem(sys.modules, "mine", type(sys)("mine"))
    sys.modules["mine"].__file__ = str(tmp_path / "mine.py")
    assert WorkerImports.are_sound() is False


OWNER = """
import sys, time
from contextlib import closing
from harness.processes import forked_process
from harness.processes.child_process import ChildProcess
forked_process.start_fork_server()
child = ChildProcess("tests.support.parrot", {"greeting": ""})
child.receive(60)
print(forked_process._own.process.pid, child._process.pid, type(child._process).__name__, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A process that has a server and a child of it, with their numbers."""
    monkeypatch.delenv(ADDRESS_VARIABLE, raising=False)
    process = subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    serving, child, kind = process.stdout.readline().split()
    assert kind == "ForkedProcess"
    yield process, int(serving), int(child)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("how", ["killed", "done"])
def test_a_server_ends_with_its_owner_and_leaves_nothing(owner: Any, how: str) -> None:
    process, serving, child = owner
    process.kill() if how == "killed" else process.communicate("end\n")
    until(lambda: not alive(serving) and not alive(child))
    assert f"harness-{process.pid}-" not in Path("/proc/net/unix").read_text()


def test_a_killed_server_takes_its_children_along_and_the_next_child_has_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS_VARIABLE, raising=False)
    monkeypatch.setattr(forked_process, "_own", None)
    forked_process.start_fork_server()
    first = forked_process._own
    assert first is not None and first.process is not None
    with closing(ChildProcess(PARROT, {"greeting": ""}, log=tmp_path / "log")) as child:
        assert child.receive(60)
        first.process.kill()
        assert child.receive(60) is None
    assert child.describe_exit() == "signal SIGKILL"
    until(lambda: not alive(child._process.pid))
    with closing(ChildProcess(PARROT, {"greeting": ""})) as child:
        assert not isinstance(child._process, ForkedProcess)
        assert child.receive(60)
    forked_process.start_fork_server()
    second = forked_process._own
    assert second is not None and second is not first
    with closing(ChildProcess(PARROT, {"greeting": ""})) as child:
        assert isinstance(child._process, ForkedProcess)
        assert child.receive(60)
    forked_process.start_fork_server()
    assert forked_process._own is second, "one is enough"
    second.end()


def test_a_server_that_nobody_asks_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    made = OwnServer(idle=0.1)
    until(lambda: made.has_ended)
    monkeypatch.setenv(ADDRESS_VARIABLE, made.address)
    assert fork_child(PARROT, child_environment(), 2) is None


def test_told_off_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, OFF)
    monkeypatch.setattr(forked_process, "_own", None)
    forked_process.start_fork_server()
    assert forked_process._own is None
    assert forked_process.address_variables() == {}


def test_a_request_that_is_none_ends_no_server(server: OwnServer, choose: Choose) -> None:
    choose("forked")
    for content in (b"", b"nonsense", b"{}"):
        link = forked_process._connect()
        assert link is not None
        with link, contextlib.suppress(OSError):
            link.send(content)
            link.settimeout(60)
            assert b"pid" not in link.recv(1000)
    with closing(ChildProcess(PARROT, {"greeting": ""})) as child:
        assert isinstance(child._process, ForkedProcess)
        assert child.receive(60)
