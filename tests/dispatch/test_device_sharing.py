"""How many workers share a GPU: what is decided by which measurements, and what becomes of a worker that lacks memory beside another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.dispatch import local
from harness.dispatch.device_sharing import Host, Observed, busy_share, decide
from harness.dispatch.devices import Slot
from harness.dispatch.events import Event, WorkersDecided
from harness.dispatch.executor import ExecutorSettings
from harness.dispatch.local import LocalExecutor, WorkerProcess
from harness.spec.run_spec import ExecutionOptions
from tests.support.driver import board
from tests.support.fake_workers import FakeWorker
from tests.support.jobs import composed
from tests.support.spec import SMALL, small_spec

GIB = 2**30
GPU = Slot("cuda:0", "cpu", {})  # a place that is called a GPU's; who works there is a process on the CPU, or none
HOST = Host(cores=16, workers=1, readers=1)


def observed(busy: float = 0.2, *, wide: bool = True, peak: int = 4 * GIB, cores: float = 1.0) -> Observed:
    """Two jobs in ten seconds on a GPU of 80 GiB."""
    return Observed(2, 10.0, 10 * cores, 10 * busy, wide, peak, 80 * GIB)


def test_what_the_device_tells_is_averaged_and_what_workers_tell_of_themselves_is_added_up() -> None:
    assert busy_share([observed(0.3), observed(0.5)]) == pytest.approx(0.4)
    assert busy_share([observed(0.3, wide=False), observed(0.5, wide=False)]) == pytest.approx(0.8)
    assert busy_share([observed(0.9, wide=False)] * 2) == 1.0


@pytest.mark.parametrize(
    ("workers", "host", "waiting", "start", "more", "reason"),
    [
        ([observed()], HOST, 10, 5.0, True, "it was idle 80% of the time; 2 workers need 9.0 of its 80.0 GiB"),
        ([observed(0.59)], HOST, 10, 5.0, True, "it was idle 41% of the time"),
        ([observed(0.61)], HOST, 10, 5.0, False, "it was busy 61% of the time"),
        ([observed(0.35, wide=False)] * 2, HOST, 100, 5.0, False, "it was busy 70% of the time"),
        ([observed(peak=31 * GIB)], HOST, 10, 5.0, True, "2 workers need 63.0 of its 80.0 GiB"),
        ([observed(peak=32 * GIB)], HOST, 10, 5.0, False, "one more worker could need 65.0 of its 80.0 GiB"),
        ([observed(), observed(peak=22 * GIB)], HOST, 100, 5.0, False, "one more worker could need 67.5 of its 80.0 GiB"),
        ([observed()], Host(4, 1, 1), 10, 5.0, True, "it was idle 80%"),
        ([observed()], Host(4, 2, 1), 10, 5.0, False, "one more worker would need 6 of 4 cores"),
        ([observed()], Host(2, 1, 0), 10, 5.0, True, "it was idle 80%"),
        ([observed(cores=1.5)], Host(2, 1, 0), 10, 5.0, False, "one more worker would need 3 of 2 cores"),
        ([observed()], HOST, 1, 5.0, False, "one more worker would save less than the 5 s that its start takes"),  # 5 s are left: 2.5 of 5
        ([observed()], HOST, 3, 5.0, True, "it was idle 80%"),  # 15 s are left: 7.5 of them
        ([observed()] * 2, Host(16, 2, 1), 3, 5.0, False, "would save less than the 5 s"),  # 7.5 s of each, then 5
        ([observed()] * 2, Host(16, 2, 1), 6, 5.1, False, "would save less than the 5 s"),  # 30 s are left: 15 of each, then 10
        ([observed()] * 2, Host(16, 2, 1), 6, 4.9, True, "it was idle 80%"),
        ([observed()] * 8, Host(64, 8, 0), 1000, 5.0, False, "has the most workers that a device gets"),
    ],
)  # fmt: skip
def test_one_more_worker_needs_an_idle_device_cores_memory_and_work(
    workers: Sequence[Observed], host: Host, waiting: int, start: float, more: bool, reason: str
) -> None:
    found = decide(workers, host, waiting, start)
    assert (found.more, reason in found.reason) == (more, True), found


@pytest.fixture
def on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with 16 cores and one GPU."""
    monkeypatch.setattr(local, "make_slots", lambda devices, workers, each: [GPU] * (1 if each == "auto" else each))
    monkeypatch.setattr(local, "count_usable_cores", lambda: 16)
    return monkeypatch


class Crew(LocalExecutor):
    """A local executor whose workers are no processes."""

    def __init__(self, jobs: int, per_device: Any = "auto") -> None:
        options = ExecutionOptions(prefetch=False, workers_per_device=per_device)
        super().__init__(ExecutorSettings(store="/nowhere", logs=Path("/nowhere"), options=options))
        self.submit([composed(number, [], range(4), metrics=["a"]) for number in range(jobs)])
        self.told: list[Event] = []
        self._iterator = self.events()
        self._dispatch()

    @property
    def begun(self) -> list[FakeWorker]:
        return [worker for worker in self.workers if isinstance(worker, FakeWorker)]

    def hear(self, worker: FakeWorker, **message: Any) -> None:
        """What a worker says of its job, and what follows on it."""
        assert worker.assignment is not None
        worker.say({"job": worker.assignment.job.id, **message})
        speaker, said = self._pool.listen() or (None, None)
        assert speaker is worker and said is not None
        self.told += self._heard(worker, said)
        self._dispatch()

    def finish(self, worker: FakeWorker, busy: float = 0.2, peak: int = GIB) -> None:
        """A worker has done its job, in ten seconds."""
        usage = {"busy": busy, "wide": True, "peak": peak, "memory": 80 * GIB}
        self.hear(worker, event="finished", seconds=10.0, processor_seconds=10.0, phases={"load": 1.0}, usage=usage)

    def make_ready(self, worker: FakeWorker) -> None:
        worker.say({"event": "ready"})
        self._pool.listen()
        self._dispatch()

    @property
    def decisions(self) -> list[tuple[int, str]]:
        return [(event.workers, event.reason) for event in self.told if isinstance(event, WorkersDecided)]


@pytest.fixture
def pretended(on_a_gpu: pytest.MonkeyPatch) -> None:
    """Workers on it that are no processes."""
    on_a_gpu.setattr(local, "WorkerProcess", lambda slot, number, settings, inbox: FakeWorker(slot, inbox))
    on_a_gpu.setattr(local, "start_fork_server", lambda: None)


@pytest.mark.usefixtures("pretended")
def test_a_worker_comes_after_the_first_job_that_warms_up_and_each_further_one_after_all_have_said_enough() -> None:
    crew = Crew(20)
    (first,) = crew.begun
    crew.make_ready(first)
    crew.finish(first)
    assert len(crew.workers) == 1, "the first job says nothing"
    crew.finish(first)
    assert [count for count, _ in crew.decisions] == [2]
    assert len(crew.workers) == 2
    second = crew.begun[1]
    crew.make_ready(second)
    for worker in (first, first, second):
        crew.finish(worker)
    assert len(crew.workers) == 2, "the second has only warmed up"
    crew.finish(second)
    assert [count for count, _ in crew.decisions] == [2, 3]
    assert len(crew.workers) == 3


@pytest.mark.usefixtures("pretended")
def test_a_busy_device_keeps_its_one_worker_and_it_is_told_once_why() -> None:
    crew = Crew(20)
    (first,) = crew.begun
    crew.make_ready(first)
    for _ in range(4):
        crew.finish(first, busy=0.9)
    assert len(crew.workers) == 1
    assert crew.decisions == [(1, "it was busy 90% of the time")]


@pytest.mark.usefixtures("pretended")
@pytest.mark.parametrize("fixed", [1, 3])
def test_a_number_that_the_spec_says_stays(fixed: int) -> None:
    crew = Crew(20, per_device=fixed)
    assert len(crew.begun) == fixed
    for _ in range(3):
        for worker in crew.begun:
            if worker.ready:
                crew.finish(worker)
            else:
                crew.make_ready(worker)
    assert (len(crew.workers), crew.decisions) == (fixed, [])


@pytest.mark.usefixtures("pretended")
def test_what_lacks_memory_beside_another_worker_is_tried_again_alone_and_then_it_is_to_blame() -> None:
    crew = Crew(4, per_device=2)
    first, second = crew.begun
    crew.make_ready(first)
    crew.make_ready(second)
    for column in ("maps-0", "a-0"):  # its first job; both columns lack what the explanation lacked
        crew.hear(first, event="failed", column=column, state="out-of-memory", reason="full", starved="maps-0")
    assert crew.decisions == [(1, "memory ran out")]
    crew.finish(first)
    assert first.closed
    assert crew.begun == [second], "nobody takes its place while another is there"
    for _ in range(3):
        crew.finish(second)
    (alone,) = crew.begun
    assert second.closed and alone is not second, "nothing else waits: the other makes room"
    crew.make_ready(alone)
    assert [job["id"] for job in alone.given] == ["job-0-0"]
    crew.hear(alone, event="failed", column="maps-0", state="out-of-memory", reason="full", starved="maps-0")
    failed = [event for event in crew.told if event.event == "failed"]
    assert len(failed) == 1, "told when it had the device to itself, and not before"
    assert crew.decisions == [(1, "memory ran out")]


@pytest.mark.usefixtures("pretended")
def test_a_device_whose_memory_ran_out_gets_no_more_workers() -> None:
    crew = Crew(40)
    crew.make_ready(crew.begun[0])
    for _ in range(2):
        crew.finish(crew.begun[0])
    first, second = crew.begun
    crew.make_ready(second)
    assert second.assignment is not None
    key = second.assignment.job.key
    crew.hear(second, event="failed", column=key, state="out-of-memory", reason="full", starved=key)
    crew.finish(second)
    for _ in range(4):
        crew.finish(first)
    assert crew.begun == [first]
    assert crew.decisions[1:] == [(1, "memory ran out")]


class IdleGpuWorker(WorkerProcess):
    """A worker that says of each of its jobs that it took long on a GPU that had little to do."""

    def _hear(self, process: Any, message: dict[str, Any] | None) -> None:
        if message is not None and message.get("event") == "finished":
            usage = {"busy": 0.1, "wide": True, "peak": GIB, "memory": 80 * GIB}
            message = {**message, "seconds": 20.0, "processor_seconds": 20.0, "usage": usage}
        super()._hear(process, message)


@pytest.mark.slow
def test_a_run_on_a_gpu_that_idles_has_more_workers_says_why_and_finds_the_same_numbers(
    on_a_gpu: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_a_gpu.setattr(local, "WorkerProcess", IdleGpuWorker)
    grid = {"datasets": [{"use": "squares", "params": {"samples": 24}}], "metrics": ["inside", "drop"], "nulls": []}
    explainers = [{"use": "slope", "params": {"pause": 0.2}}, "contrast"]

    def run(out: str, **execution: Any) -> Any:
        spec = small_spec(**grid, explainers=explainers, execution={"shard": 2, **execution})
        return harness.run(spec, out=tmp_path / out, store=tmp_path / f"{out}-store", plugins=[SMALL])

    shared = run("shared", executor="local")
    decided = [json.loads(line) for line in (tmp_path / "shared" / "journal.jsonl").read_text().splitlines() if '"workers"' in line]
    assert [entry["workers"] for entry in decided if entry["event"] == "workers"][:1] == [2]
    assert shared.failures == []
    finished = [json.loads(line) for line in (tmp_path / "shared" / "journal.jsonl").read_text().splitlines()]
    assert len({entry["worker"] for entry in finished if entry["event"] == "finished"}) >= 2
    run("alone", executor="inline", devices=["cpu"])
    assert board(tmp_path / "shared") == board(tmp_path / "alone")
