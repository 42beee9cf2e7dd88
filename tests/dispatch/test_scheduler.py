"""What workers share out, and what none of them does twice: in runs with two, and with workers that are no processes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.driver import Driver, driver
from tests.support.fake_workers import FakeScheduler, slots
from tests.support.jobs import composed

THREE_SHARDS = [{"use": "squares", "params": {"samples": 6}}]  # for two workers: one of them explains the last while the other is free
SLOW = {"use": "slope", "label": "slow", "params": {"pause": 1.5}}


def events(run: Driver) -> list[dict[str, Any]]:
    """What the journal of a run holds."""
    return [json.loads(line) for line in (run.folder / run.out / "journal.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_part_is_explained_once_however_slow(tmp_path: Path) -> None:
    whole = {"use": "both", "label": "whole", "params": {"first": {"use": "slope", "params": {"pause": 1.5}}}}
    run = driver(tmp_path, datasets=THREE_SHARDS, explainers=[whole, SLOW], metrics=["inside"], execution={"workers": 2})
    done = run.run()
    assert done.returncode == 0, done.stderr
    explained = Counter(line for line in run.calls() if line.startswith("slope"))
    assert explained == {f"slope square-{i}": 1 for i in range(6)}
    assert len({event["worker"] for event in events(run) if event["event"] == "finished"}) == 2, "one worker alone proves nothing"


@pytest.mark.slow
def test_the_last_explainer_is_shared_and_its_numbers_are_those_of_one_worker(tmp_path: Path) -> None:
    data = [{"use": "squares", "params": {"samples": 32}}]  # one job, as the shard is: the first worker is given a half
    small = {"datasets": data, "explainers": [{"use": "slope", "params": {"pause": 0.3}}], "metrics": ["inside", "drop"]}
    shared = driver(tmp_path, out="shared", store="shared-store", execution={"workers": 2, "shard": 64}, **small)
    alone = driver(tmp_path, out="alone", store="alone-store", execution={"shard": 64}, **small)
    done = shared.run()
    assert done.returncode == 0, done.stderr
    alone.undisturbed()
    assert shared.board() == alone.board()
    told = [event for event in events(shared) if event["event"] == "finished"]
    assert len({event["worker"] for event in told}) == 2
    assert len({event["job"] for event in told}) == len(told) > 1
    assert sum(event["rows"] for event in events(shared) if event["event"] == "committed") == 32 * 3


@pytest.mark.slow
def test_rows_are_read_beside_the_work_and_the_numbers_are_the_same(tmp_path: Path) -> None:
    data = [{"use": "reluctant", "params": {"samples": 12, "pause": 0.1}}]
    small = {"datasets": data, "explainers": [{"use": "slope", "params": {"pause": 1.0}}], "metrics": ["drop"], "reference": None}
    runs, read = [], []
    for out in ("ahead", "alone"):
        (tmp_path / out).mkdir()
        run = driver(tmp_path / out, execution={"prefetch": out == "ahead"}, **small)
        done = run.run()
        assert done.returncode == 0, done.stderr
        runs.append(run)
        read.append(len((run.folder / "marks" / "read-by-itself").read_text().split()))
    assert runs[0].board() == runs[1].board()
    assert read[0] <= read[1] - 4, "at least two of six jobs found their rows read: the first ones come before the reader is there"


@pytest.mark.parametrize("said", [{"event": "failed"}, {"event": "committed", "job": "another", "column": "maps-0", "rows": 4}])
def test_what_a_worker_says_of_no_job_of_its_own_ends_it_and_is_not_told(said: dict[str, Any]) -> None:
    crew = FakeScheduler(slots("cpu"))
    crew.submit([composed(0, [], range(4))])
    events = crew.events()
    crew._dispatch()
    (first,) = crew.begun
    for message in ({"event": "ready"}, said, {"event": "phase", "job": "job-0-0", "what": "explain"}):
        first.say(message)
    assert next(events).event == "phase"
    assert first.killed_for == "speaking of a job that is not its own"


def test_a_worker_whose_reserved_job_was_cancelled_takes_that_of_another() -> None:
    crew = FakeScheduler(slots("cpu", "cpu"), prefetch=True)
    crew.submit([composed(number, [], range(4), metrics=["a"]) for number in range(4)])
    events = crew.events()
    crew._dispatch()
    one, other = crew.begun
    for hand in (one, other):
        hand.say({"event": "ready"})
    one.say({"event": "phase", "job": "job-0-0", "what": "load"})
    next(events)
    reserved = [crew._reservations._reserved.get(hand) for hand in (one, other)]
    assert [job and job.id for job in reserved] == ["job-1-0", "job-3-0"]
    crew.cancel({"a-3"})
    for hand, said in ((other, {"event": "finished", "job": "job-2-0"}), (one, {"event": "phase", "job": "job-0-0", "what": "score"})):
        hand.say(said)
        next(events)
    assert [job["id"] for job in other.given] == ["job-2-0", "job-1-0"]
    assert crew._reservations._reserved.get(one) is None


@pytest.mark.parametrize(("rows", "begun"), [([64], 4), ([20], 2), ([15], 1), ([15, 15], 2), ([16, 15], 3), ([15] * 9, 4)])
def test_workers_begin_together_for_all_pieces_of_what_is_left(rows: list[int], begun: int) -> None:
    crew = FakeScheduler(slots(*["cpu"] * 4))
    crew.submit([composed(number, [], range(count)) for number, count in enumerate(rows)])
    crew._dispatch()
    crew._dispatch()
    assert len(crew.begun) == begun


def test_workers_begin_together_for_what_is_reserved_for_another() -> None:
    crew = FakeScheduler(slots("cpu"), prefetch=True)
    crew.submit([composed(number, [], range(32)) for number in range(2)])
    crew._dispatch()
    crew.begun[0].ready = True
    crew._dispatch()
    crew.there *= 4
    crew._dispatch()
    assert len(crew.begun) == 4
    for hand in crew.begun:
        hand.ready = True
    crew._dispatch()
    assert [len(hand.given) for hand in crew.begun] == [1] * 4
