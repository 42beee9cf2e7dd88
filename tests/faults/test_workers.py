"""A worker that is killed from outside, at whatever it is, costs nothing; one that dies by what it runs costs that, the second time."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.dispatch.crash_policy import CrashPolicy
from harness.dispatch.devices import Slot
from harness.dispatch.events import PhaseStarted
from harness.dispatch.executor import ExecutorSettings
from harness.dispatch.worker_handle import Assignment, WorkerHandle
from harness.planning.jobs import Job, MetricTask, SampleRef, Subject
from harness.registry.recipe import Recipe
from harness.store.row_files import StoredValue
from harness.store.store import Store, StoreError
from tests.support.driver import Driver, alive, driver, killed, until

SMALLER = [{"use": "squares", "params": {"samples": 2}}]
LARGER = [{"use": "squares", "params": {"samples": 6}}]
PARTS = {"models": ["waiting"], "explainers": ["waits", "slope"], "metrics": ["awaited", "inside"]}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the store of two samples, in which all that planning asks is answered, and with an undisturbed run of all."""
    folder = tmp_path_factory.mktemp("planned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAULTY_MARKS", str(folder))
        for out, data, store in (("smaller", SMALLER, "store"), ("whole", LARGER, "whole-store")):
            driver(folder, datasets=data, out=out, store=store, **PARTS).undisturbed()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["load", "predict", "explain", "score"])
def test_a_worker_killed_from_outside_costs_nothing(planned: Path, tmp_path: Path, phase: str) -> None:
    shutil.copytree(planned / "store", tmp_path / "store")
    disturbed = driver(tmp_path, datasets=LARGER, **PARTS)
    disturbed.arm(phase)
    process = disturbed.start()
    killed(disturbed.mark(phase, process))
    said, complained = process.communicate(timeout=120)
    assert process.returncode == 0, complained
    assert disturbed.board() == Driver(planned, {}, "whole").board()
    assert "crashed" not in said + complained
    scored = [line for line in disturbed.calls() if line.startswith("inside")]
    assert len(scored) == len(set(scored)), "something finished was computed twice"


def worker(phase: dict[str, Any], store: Path, job: Job, killed_for: str | None = None) -> tuple[CrashPolicy, WorkerHandle, Assignment]:
    class Dead(WorkerHandle):
        log = "its log"

        def send(self, message: object) -> None: ...

        def kill(self, why: str | None = None) -> None: ...

        def close(self) -> None: ...

        @property
        def has_exited(self) -> bool:
            return True

        def describe_exit(self) -> str:
            return "the worker process ended"

    dead = Dead(Slot("cpu", "cpu", {}))
    dead.killed_for = killed_for
    assignment = Assignment(job)
    assignment.phase = PhaseStarted(job=job.id, **phase)
    return CrashPolicy(ExecutorSettings(store=str(store), logs=store)), dead, assignment


def small_job() -> Job:
    data, net, one = (Recipe(kind, name, "d", "1") for kind, name in (("datasets", "data"), ("models", "net"), ("metrics", "one")))
    subject = Subject("data", "net", data, None, net, None, "predictions", "predicted", 0, {})
    explainer = Recipe("explainers", "map", "d", "1")
    return Job("0", subject, "map", explainer, "k" * 64, [SampleRef(0, "s", "d")], [MetricTask("one", one, "m" * 64)])


def test_the_second_death_is_blamed(tmp_path: Path) -> None:
    job = small_job()
    aftermath, dead, assignment = worker({"what": "score", "component": "one", "column": "m" * 64}, tmp_path, job)
    assert aftermath.of(dead, assignment) == ([], job)
    (told,), left = aftermath.of(dead, assignment)
    assert (told.column, told.state, left is None) == ("m" * 64, "crashed", False)
    assert "scoring with one the worker process ended (2 times in a row)" in told.reason


def test_deaths_at_two_pieces_of_a_job_are_two_at_that_job(tmp_path: Path) -> None:
    job = small_job()
    pieces = [replace(job, id=f"{job.id}.{number}") for number in (1, 2)]
    phase = {"what": "score", "component": "one", "column": "m" * 64}
    aftermath, dead, assignment = worker(phase, tmp_path, pieces[0])
    assert aftermath.of(dead, assignment) == ([], pieces[0])
    (told,), _ = aftermath.of(dead, replace(assignment, job=pieces[1]))
    assert (told.job, told.state) == ("0.2", "crashed")


def test_a_machine_that_takes_all_pieces_of_a_job_along_is_one_loss_for_each(tmp_path: Path) -> None:
    pieces = [replace(small_job(), id=f"0.{number}") for number in range(5)]
    phase = {"what": "explain", "component": "map", "column": "k" * 64}
    aftermath, dead, assignment = worker(phase, tmp_path, pieces[0])
    dead.lost = "its node is gone"
    for piece in pieces:
        assert aftermath.of(dead, replace(assignment, job=piece)) == ([], piece)
    assert aftermath.of(dead, replace(assignment, job=pieces[0])) == ([], pieces[0])
    told, left = aftermath.of(dead, replace(assignment, job=pieces[0]))
    assert ({event.state for event in told}, left) == ({"crashed"}, None), "the third machine under one piece"


def test_a_store_that_does_not_answer_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: Store, *given: object) -> object:
        raise StoreError("no answer")

    job = small_job()
    aftermath, dead, assignment = worker({"what": "score", "component": "one", "column": "m" * 64}, tmp_path, job)
    monkeypatch.setattr(Store, "known", away)
    assert aftermath.of(dead, assignment) == ([], job)


def test_a_time_limit_is_blamed_at_once(tmp_path: Path) -> None:
    aftermath, dead, assignment = worker({"what": "score", "component": "one", "column": "m" * 64}, tmp_path, small_job(), "timeout")
    (told,), _ = aftermath.of(dead, assignment)
    assert told.state == "timeout"


def test_what_a_dead_worker_committed_and_could_not_tell_is_finished(tmp_path: Path) -> None:
    job = small_job()
    store = Store(tmp_path)
    store.commit_rows(job.key, [StoredValue(column, "s", "d", "value", 1.0) for column in (job.key, "m" * 64)])
    aftermath, dead, assignment = worker({"what": "score", "component": "one", "column": "m" * 64}, tmp_path, job)
    told, left = aftermath.of(dead, assignment)
    assert [(event.event, event.column) for event in told] == [("committed", job.key), ("committed", "m" * 64)]
    assert left is None


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), [("frees-twice", "SIGABRT"), ("writes-anywhere", "SIGSEGV")])
def test_a_corrupted_heap_costs_the_column_it_was_corrupted_in(tmp_path: Path, name: str, how: str) -> None:
    run = driver(tmp_path, explainers=[name, "slope"], metrics=["inside"])
    done = run.run()
    assert done.returncode == 1
    assert run.states() == {(name, "inside"): "crashed", ("slope", "inside"): "ok"}
    assert how in done.stderr


@pytest.mark.slow
def test_what_hangs_without_listening_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    names = ["leaves-a-child", "hangs-in-c", "slope"]
    run = driver(tmp_path, datasets=SMALLER, explainers=names, metrics=["inside"], execution={"timeout": 2})
    done = run.run()
    assert done.returncode == 1
    assert set(run.states().items()) == {
        (("leaves-a-child", "inside"), "timeout"),
        (("hangs-in-c", "inside"), "timeout"),
        (("slope", "inside"), "ok"),
    }
    left = [int((tmp_path / "marks" / name).read_text()) for name in ("child", "hanging")]
    until(lambda: not any(map(alive, left)), seconds=10)


@pytest.mark.slow
def test_no_worker_and_nothing_it_started_outlives_a_killed_driver(tmp_path: Path) -> None:
    names = ["hangs-in-c", "leaves-a-child"]
    run = driver(tmp_path, datasets=SMALLER, explainers=names, metrics=["inside"], execution={"workers": 2, "timeout": 600})
    process = run.start()
    left = [run.mark(name, process) for name in ("hanging", "child")]
    assert all(map(alive, left))
    process.kill()
    process.communicate()
    until(lambda: not any(map(alive, left)), seconds=20)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["the driver is killed", "it is interrupted"])
def test_no_reader_outlives_its_worker_nor_says_anything(tmp_path: Path, how: str) -> None:
    names, slow = [{"use": "slope", "params": {"pause": 1.5}}, "hangs-in-c"], {"timeout": 600, "prefetch": True}
    run = driver(tmp_path, datasets=LARGER, explainers=names, reference=None, metrics=["inside"], execution=slow)
    process, logs = run.start(), str(tmp_path / "out" / "workers")

    def readers() -> list[psutil.Process]:
        """By where they print to: they are children of the fork server, which may serve other processes of tests too."""
        found = []
        for other in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, OSError):  # which may have ended meanwhile
                reads = "harness.worker.prefetch_process" in " ".join(other.cmdline())
                found += [other] if reads and str(Path(f"/proc/{other.pid}/fd/2").readlink()).startswith(logs) else []
        return found

    until(lambda: bool(readers()), process)
    found = readers()
    os.killpg(process.pid, signal.SIGKILL if how == "the driver is killed" else signal.SIGINT)
    _, complained = process.communicate(timeout=60)
    until(lambda: not any(alive(each.pid) for each in found), seconds=20)
    printed = "".join(path.read_text() for path in (tmp_path / "out" / "workers").glob("*.log"))
    assert "Traceback" not in complained + printed
