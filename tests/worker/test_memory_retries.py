"""What lacks memory beside others is tried afresh before it is blamed: with workers whose memory is a number."""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.dispatch.crash_policy import CrashPolicy
from harness.dispatch.devices import Slot
from harness.dispatch.events import ColumnFailed, Event, JobFinished, Noted, PhaseStarted, RowsCommitted
from harness.dispatch.executor import ExecutorSettings
from harness.dispatch.worker_handle import Inbox
from harness.dispatch.worker_pool import MAX_FAILED_STARTS
from harness.planning.jobs import Job
from harness.store.row_files import StoredValue
from harness.store.store import Store
from harness.worker.component_cache import ComponentCache
from harness.worker.job_runner import JobRunner
from tests.support.fake_workers import FakeScheduler, FakeWorker, slots
from tests.support.jobs import composed

MEMORY = 4
ROWS = range(4)


class Needy(FakeWorker):
    """Has some memory, and does what it is told at once."""

    def __init__(self, slot: Slot, inbox: Inbox, crew: Starving) -> None:
        super().__init__(slot, inbox)
        self._crew = crew
        self._kept = 0
        self.say(None if crew.ailing else {"event": "ready"})
        crew.ailing = max(0, crew.ailing - 1)

    def send(self, message: Mapping[str, Any]) -> None:
        super().send(message)
        if message["do"] == "ask":
            self.say({"event": "answer", "value": message["request"]})
            return
        job = Job.from_json(message["job"])
        columns = [job.key, *(task.key for task in job.metrics)]
        about = {"job": job.id}
        for column in columns:
            self._crew.tries[column] += 1
            self.say({"event": "phase", **about, "what": "score", "component": "it", "column": column})
            if column in self._crew.deaths:
                self._crew.deaths.remove(column)
                self.say(None)
                return
            keeps, needs = self._crew.needs.get(column, (0, 1))
            if self._kept + needs <= MEMORY:
                self._kept += keeps
                self.say({"event": "committed", **about, "column": column, "rows": len(job.rows)})
                continue
            for failed in columns if column == job.key else [column]:
                self.say({"event": "failed", **about, "column": failed, "state": "out-of-memory", "reason": "full", "starved": column})
            if column == job.key:
                break
        self.say({"event": "finished", **about})


class Starving(FakeScheduler):
    """Workers of so much memory each, and columns that keep some of it and need some; a worker that comes to ``deaths`` dies, once each.

    Attributes:
        tries: how often workers came to each column.
        ailing: how many of the next workers do not come up.
    """

    def __init__(self, needs: Mapping[str, tuple[int, int]], there: Sequence[str] = ("cpu",), deaths: set[str] | None = None) -> None:
        super().__init__(slots(*there))
        self._crashes._find_committed = lambda job, settled: []  # type: ignore[method-assign]
        self.needs, self.tries = needs, Counter[str]()
        self.deaths = deaths or set()
        self.ailing = 0

    def hand(self, slot: Slot, inbox: Inbox) -> FakeWorker:
        return Needy(slot, inbox, self)

    def run(self, *jobs: Job) -> list[Event]:
        """What is told of each column."""
        self.submit(jobs)
        told = []
        for event in self.events():
            if isinstance(event, ColumnFailed):
                self.cancel({event.column})
            if isinstance(event, RowsCommitted | ColumnFailed):
                told.append(event)
        assert len({(event.column, event.event) for event in told}) == len(told)
        return told


def ends(told: list[Event]) -> dict[str, str]:
    return {event.column: getattr(event, "state", "ok") for event in told}


def test_what_lacks_memory_after_another_is_tried_afresh_and_that_is_all_that_is_told() -> None:
    crew = Starving({"maps-0": (3, 1), "maps-1": (0, 2)})
    told = crew.run(composed(0, [], ROWS, metrics=["a"]), composed(1, [], ROWS, metrics=["a"]), composed(2, [], ROWS))
    assert ends(told) == dict.fromkeys(["maps-0", "a-0", "maps-1", "a-1", "maps-2"], "ok")
    assert crew.tries["maps-1"] == 2
    first, second = crew.begun
    assert first.closed, "what it keeps goes with it"
    assert [job["id"] for job in second.given] == ["job-1-0", "job-2-0"]


def test_what_needs_too_much_is_blamed_after_one_more_try() -> None:
    crew = Starving({"maps-1": (0, 9)})
    told = crew.run(*(composed(number, [], ROWS, metrics=["a"]) for number in range(3)))
    assert ends(told) == {**dict.fromkeys(["maps-0", "a-0", "maps-2", "a-2"], "ok"), **dict.fromkeys(["maps-1", "a-1"], "out-of-memory")}
    assert (crew.tries["maps-1"], len(crew.begun)) == (2, 2)


def test_a_worker_that_had_done_nothing_before_blames_at_once() -> None:
    for starved in ("maps-0", "a-0"):
        crew = Starving({starved: (0, 9)})
        assert ends(crew.run(composed(0, [], ROWS, metrics=["a"])))[starved] == "out-of-memory"
        assert (crew.tries[starved], len(crew.begun)) == (1, 1)


def test_metrics_that_lack_memory_after_others_of_their_job_are_each_tried_afresh() -> None:
    crew = Starving({"a-0": (3, 1), "b-0": (3, 2), "c-0": (0, 2), "d-0": (0, 9)})
    told = crew.run(composed(0, [], ROWS, metrics=["a", "b", "c", "d", "e"]))
    assert ends(told) == {**dict.fromkeys(["maps-0", "a-0", "b-0", "c-0", "e-0"], "ok"), "d-0": "out-of-memory"}
    assert crew.tries == {"maps-0": 4, "a-0": 1, "b-0": 2, "c-0": 2, "d-0": 2, "e-0": 1}
    assert [[job["id"] for job in hand.given] for hand in crew.begun] == [["job-0-0"], ["job-0-0.of b"], ["job-0-0.of c"], ["job-0-0.of d"]]


def test_a_second_try_of_a_metric_can_cost_that_metric_alone() -> None:
    """Its worker explains again, where no maps are stored, and now that fails, or its worker dies of it twice."""
    for failing in ("lacks memory", "dies"):
        crew = Starving({"a-0": (3, 1), "b-0": (0, 2)})
        crew.submit([composed(0, [], range(4), metrics=["a", "b", "c"]), composed(0, [], range(4, 8), metrics=["a", "b", "c"])])
        told: list[Event] = []
        for event in crew.events():
            told.append(event)
            if isinstance(event, ColumnFailed):
                crew.cancel({event.column})
            if isinstance(event, JobFinished) and event.job == "job-0-0" and failing == "lacks memory":
                crew.needs = {**crew.needs, "maps-0": (0, 9)}
            if isinstance(event, JobFinished) and event.job == "job-0-0" and failing == "dies":
                crew.deaths = {"maps-0"}
            if isinstance(event, JobFinished | ColumnFailed) and event.job == "job-0-0.of b":
                crew.needs, crew.deaths = {"a-0": (0, 1)}, set()
        committed = Counter(event.column for event in told if isinstance(event, RowsCommitted))
        assert committed["maps-0"] == committed["a-0"] == committed["c-0"] == 2
        assert {event.column for event in told if isinstance(event, ColumnFailed)} <= {"b-0"}
        assert committed["b-0"] == (2 if failing == "dies" else 0)


def test_what_a_worker_found_in_the_store_for_a_second_try_is_told_once(tmp_path: Path) -> None:
    job = replace(composed(0, [], ROWS, metrics=["b"]), key="ab" * 32, explained=True)
    store = Store(tmp_path / "store")
    store.commit_rows(job.key, [StoredValue(job.key, row.sample, row.digest, "zero", 0.0) for row in job.rows])
    worker = FakeWorker(slots("cpu")[0], queue.Queue())
    worker.assign(job, None)
    assert worker.assignment is not None
    told, left = CrashPolicy(ExecutorSettings(store=str(tmp_path / "store"), logs=tmp_path)).of(worker, worker.assignment)
    assert told == []
    assert left is not None and [task.key for task in left.metrics] == ["b-0"]


def test_a_worker_that_answered_questions_is_not_fresh() -> None:
    """It holds the models that it was asked about."""
    crew = Starving({"maps-0": (0, 9)})
    assert crew.ask({"what": "facts"}) == {"what": "facts"}
    assert ends(crew.run(composed(0, [], ROWS))) == {"maps-0": "out-of-memory"}
    assert (crew.tries["maps-0"], len(crew.begun)) == (2, 2)


def test_a_person_is_told_once_of_what_is_tried_again() -> None:
    crew = Starving({"maps-0": (3, 1), "a-1": (3, 2), "b-1": (0, 2)})
    crew.submit([composed(0, [], ROWS), *(composed(1, [], range(first, first + 4), metrics=["a", "b"]) for first in (0, 4, 8))])
    noted = [event.reason for event in crew.events() if isinstance(event, Noted)]
    assert [reason.partition(" lacked memory after others")[0] for reason in noted] == ["a", "b"]


def test_a_composition_waits_for_a_part_that_is_tried_afresh() -> None:
    crew = Starving({"maps-0": (3, 1), "maps-1": (3, 1), "maps-2": (0, 2)}, ["cpu", "cpu"])
    told = crew.run(*(composed(number, [], ROWS) for number in range(3)), composed(3, [2], ROWS))
    assert [event.column for event in told] == ["maps-0", "maps-1", "maps-2", "maps-3"]
    assert crew.tries["maps-2"] == 2


def test_a_composition_does_not_wait_for_a_part_that_is_blamed_or_cancelled() -> None:
    crew = Starving({"maps-1": (0, 9)})
    told = crew.run(composed(0, [], ROWS), composed(1, [], ROWS), composed(2, [1], ROWS))
    assert ends(told) == {"maps-0": "ok", "maps-1": "out-of-memory", "maps-2": "ok"}
    crew = Starving({"maps-1": (0, 9)})
    crew.submit([composed(0, [], ROWS), composed(1, [], ROWS), composed(2, [1], ROWS)])
    told = []
    for event in crew.events():
        told.append(event)
        if isinstance(event, PhaseStarted) and event.column == "maps-1":
            crew.cancel({"maps-1"})  # while it is tried the first time: there is no second
    assert [event.column for event in told if isinstance(event, RowsCommitted)] == ["maps-0", "maps-2"]
    assert crew.tries["maps-1"] == 1
    assert not any(isinstance(event, ColumnFailed) for event in told)


def test_a_worker_that_dies_at_a_second_try_gives_its_job_back() -> None:
    crew = Starving({"maps-0": (3, 1), "maps-1": (0, 2)})
    crew.submit([composed(0, [], ROWS), composed(1, [], ROWS, metrics=["a"])])
    told = []
    for event in crew.events():
        told.append(event)
        if isinstance(event, JobFinished) and event.job == "job-1-0":
            crew.deaths.add("maps-1")
    assert [event.column for event in told if isinstance(event, RowsCommitted)] == ["maps-0", "maps-1", "a-1"]
    crew = Starving({"maps-0": (3, 1), "maps-1": (0, 2)}, deaths={"a-1"})
    assert ends(crew.run(composed(0, [], ROWS), composed(1, [], ROWS, metrics=["a", "b"])))["b-1"] == "ok"


def test_an_idle_worker_makes_room_where_the_slot_of_the_one_that_ran_out_is_gone() -> None:
    crew = Starving({"maps-0": (3, 1), "maps-2": (0, 2)}, ["one", "other"])
    crew.submit([composed(number, [], ROWS) for number in range(3)])
    told = []
    for event in crew.events():
        told.append(event)
        if isinstance(event, JobFinished) and event.job == "job-2-0" and len(crew.there) == 2:
            (ended,) = (hand for hand in crew.begun if hand.closed)
            crew.there.remove(ended.slot)
    assert [event.column for event in told if isinstance(event, RowsCommitted)] == ["maps-0", "maps-1", "maps-2"]
    left = next(slot.name for slot in crew.there)
    assert [hand.slot.name for hand in crew.begun[2:]] == [left], "one more was begun, where the other had been"


def test_an_idle_worker_makes_room_where_no_other_comes_up_beside_it() -> None:
    crew = Starving({"maps-0": (3, 1), "maps-2": (0, 2)}, ["cpu", "cpu"])
    crew.submit([composed(number, [], ROWS) for number in range(3)])
    told = []
    for event in crew.events():
        told.append(event)
        if isinstance(event, JobFinished) and event.job == "job-2-0" and not crew.begun[2:]:
            crew.ailing = MAX_FAILED_STARTS
    assert [event.column for event in told if isinstance(event, RowsCommitted)] == ["maps-0", "maps-1", "maps-2"]
    assert len(crew.begun) == 2 + MAX_FAILED_STARTS + 1
    assert sum(not hand.closed for hand in crew.begun) == 1


def test_a_stopped_run_tries_nothing_again() -> None:
    crew = Starving({"maps-0": (3, 1), "maps-1": (0, 2)})
    crew.submit([composed(0, [], ROWS), composed(1, [], ROWS)])
    for event in crew.events():
        if isinstance(event, JobFinished) and event.job == "job-1-0":
            break
    crew.stop()
    assert not list(crew.events())
    assert all(hand.closed for hand in crew.begun)


@pytest.mark.parametrize(
    ("where", "what", "lacked", "state"),
    [
        (ComponentCache, "subject", ["explanation"] * 4, "blocked"),
        (ComponentCache, "explainer", ["explanation"] * 4, "out-of-memory"),
        (Store, "commit_maps", ["explanation"] * 4, "out-of-memory"),
        (ComponentCache, "metric", ["inside", "drop", "wobble"], "out-of-memory"),
    ],
)
def test_whatever_lacks_memory_names_the_column_that_did(
    work: tuple[JobRunner, Job], monkeypatch: pytest.MonkeyPatch, where: type, what: str, lacked: list[str], state: str
) -> None:
    def full(*arguments: Any) -> None:
        raise MemoryError

    bench, job = work
    monkeypatch.setattr(where, what, full)
    heard: list[Event] = []
    bench.run(job, heard.append)
    names = {job.key: "explanation", **{task.key: task.label for task in job.metrics}}
    failed = [event for event in heard if isinstance(event, ColumnFailed)]
    assert [names[event.starved] for event in failed] == lacked
    assert [names[event.column] for event in failed] == list(names.values())[-len(lacked) :]
    assert {event.state for event in failed} == {state}
