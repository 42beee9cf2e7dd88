"""A worker gets jobs on rows that it had before, of which it has inputs and what explainers share, and no job waits for long for that."""

from __future__ import annotations

import heapq
from itertools import count

import pytest

from harness.dispatch.devices import Slot
from harness.dispatch.job_queue import NEAR, JobQueue
from harness.dispatch.reservations import Reservations
from harness.planning.jobs import Job
from tests.support.fake_workers import FakeWorker
from tests.support.jobs import composed


def queue_of(columns: int, shards: int) -> JobQueue:
    queue = JobQueue()
    queue.add([composed(column, [], range(8 * shard, 8 * shard + 8)) for column in range(columns) for shard in range(shards)])
    return queue


def taken(queue: JobQueue, seconds: list[float], affine: bool = True) -> list[tuple[int, int, int]]:
    """(worker, column, first row) in the order in which workers that take so many seconds a job take them."""
    found, order = [], count()
    free = [(0.0, next(order), worker) for worker in range(len(seconds))]
    while free:
        now, _, worker = heapq.heappop(free)
        job = queue.take("x", by=f"worker {worker}" if affine else None)
        if job is not None:
            found.append((worker, int(job.key.removeprefix("maps-")), job.rows[0].position))
            heapq.heappush(free, (now + seconds[worker] * (1 + 0.3 * (len(found) % 2)), next(order), worker))
    return found


def first_times(found: list[tuple[int, int, int]]) -> int:
    """How often a worker had rows that it had not had before."""
    return len({(worker, rows) for worker, _, rows in found})


@pytest.mark.parametrize(("shards", "seconds"), [(2, [1.0, 1.1]), (4, [1.0, 1.1]), (4, [1.0, 1.2, 0.9, 1.1]), (6, [1.0, 1.3, 0.8])])
def test_rows_stay_with_the_worker_that_has_them(shards: int, seconds: list[float]) -> None:
    columns = 24
    found = taken(queue_of(columns, shards), seconds)
    assert len({(column, rows) for _, column, rows in found}) == len(found) == columns * shards
    before = first_times(taken(queue_of(columns, shards), seconds, affine=False))
    assert before == shards * len(seconds), "without it every worker has all rows sooner or later"
    last: dict[int, int] = {}
    changed = 0
    for worker, _, rows in found:
        changed += last.get(rows, worker) != worker
        last[rows] = worker
    assert changed <= len(found) / 10


@pytest.mark.parametrize("seconds", [[1.0, 1.1], [1.0, 4.0], [1.0, 1.0, 50.0]])
def test_no_job_is_passed_over_for_long(seconds: list[float]) -> None:
    found = taken(queue_of(30, 5), seconds)
    places = [5 * column + rows // 8 for _, column, rows in found]
    assert sorted(places) == list(range(150))
    assert max(abs(place - turn) for turn, place in enumerate(places)) <= 2 * NEAR


def test_where_memory_is_kept_jobs_come_in_their_order_from_then_on() -> None:
    queue = queue_of(3, 2)
    assert [place_of(queue.take("x", by="one")) for _ in range(2)] == [("maps-0", 0), ("maps-1", 0)], "on the same rows in turns"
    queue.keep_order()
    assert [place_of(queue.take("x", by="one")) for _ in range(4)] == [("maps-0", 8), ("maps-1", 8), ("maps-2", 0), ("maps-2", 8)]


def place_of(job: Job | None) -> tuple[str, int]:
    assert job is not None
    return job.key, job.rows[0].position


def test_what_is_put_back_comes_first() -> None:
    queue = queue_of(3, 2)
    first, second = queue.take("x", by="one"), queue.take("x", by="two")
    assert (place_of(first), place_of(second)) == (("maps-0", 0), ("maps-0", 8))
    assert first is not None
    queue.put_back(first)
    assert queue.take("x", by="two") == first, "though it never had those rows"


@pytest.mark.parametrize("ended", [True, False])
def test_what_a_worker_had_that_has_ended_is_nobodys(ended: bool) -> None:
    queue = queue_of(3, 2)
    reservations = Reservations(queue)
    one, two, new = (FakeWorker(Slot("cpu", "cpu", {}), None) for _ in range(3))  # type: ignore[arg-type]
    assert [place_of(reservations.take(worker, 0)) for worker in (one, two)] == [("maps-0", 0), ("maps-0", 8)]
    if ended:
        reservations.forget(two)
    assert place_of(reservations.take(new, 0)) == ("maps-1", 8 if ended else 0)


def test_what_was_reserved_for_a_worker_that_has_ended_waits_first() -> None:
    queue = queue_of(3, 2)
    reservations = Reservations(queue)
    one, two = (FakeWorker(Slot("cpu", "cpu", {}), None) for _ in range(2))  # type: ignore[arg-type]
    first, _ = reservations.take(one, 0), reservations.take(two, 0)
    assert first is not None
    assert place_of(reservations.reserve(one, first)) == ("maps-1", 0)
    reservations.forget(one)
    assert place_of(reservations.take(two, 0)) == ("maps-1", 0)
