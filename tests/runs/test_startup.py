"""What a run says of the time before its first job."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harness.dispatch.devices import Slot
from harness.dispatch.events import PhaseStarted
from harness.planning.facts import Unavailable
from harness.runs import startup
from harness.runs.startup import StartupTimes
from tests.support.fake_workers import FakeWorker


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(startup, "seconds_since_start", lambda: 1.5)


def test_each_wait_is_told_by_what_was_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    times, workers = StartupTimes(), [FakeWorker(Slot("cpu", "cpu", {}), None)]  # type: ignore[arg-type]
    passing = {"dataset": 5.0, "training": 1.0, "model": 2.0, "verdict": 0.25, "passes": 0.25}

    def answered(request: Any) -> str:
        if not workers[0].ready:
            clock.now += 3.0
            workers[0].hear({"event": "ready"})
        clock.now += passing[request["ask"]]
        return str(request["ask"])

    def start(requests: Any) -> None:
        clock.now += 0.5

    times.timed_start(start)([])
    ask = times.timed(answered, lambda: workers)
    assert [ask({"ask": what}) for what in passing] == list(passing)
    clock.now += 0.75
    for phase in ("load", "explain"):
        times.hear(PhaseStarted(job="first", what=phase))
        clock.now += 9.0
    assert times.line() == "ready after 14.2 s: starting 1.5, workers 3.5, data 6.0, networks 2.0, components 0.5, the rest 0.8"
    assert times.to_json() == {"waited": {"workers": 3.5, "data": 6.0, "networks": 2.0, "components": 0.5}}


def test_where_all_was_known_the_first_job_waits_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    times, workers = StartupTimes(), [FakeWorker(Slot("cpu", "cpu", {}), None) for _ in range(2)]  # type: ignore[arg-type]
    times.timed(lambda request: None, lambda: workers)
    for worker in workers:
        clock.now += 2.0
        worker.hear({"event": "ready"})
    times.hear(PhaseStarted(job="first", what="load"))
    assert times.line() == "ready after 5.5 s: starting 1.5, workers 2.0, the rest 2.0"


def test_a_run_without_jobs_was_never_ready_and_what_has_no_answer_took_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    times = StartupTimes()

    def refused(request: Any) -> None:
        clock.now += 2.0
        raise Unavailable("no file")

    with pytest.raises(Unavailable):
        times.timed(refused, list)({"ask": "model"})
    assert times.line() is None
    assert times.to_json()["waited"]["networks"] == 2.0
