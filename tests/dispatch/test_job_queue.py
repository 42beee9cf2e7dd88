"""The queue against a list that is looked through."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dispatch.executor import drop_columns
from harness.dispatch.job_queue import JobQueue
from harness.planning.jobs import Job, MetricTask, SampleRef, Subject
from tests.support.jobs import RECIPE, cells, composed, parts_of


def job(number: int, subject: str, metrics: tuple[str, ...] = ("a", "b")) -> Job:
    about = Subject("d", "m", RECIPE, None, RECIPE, None, subject, "predicted", 0, {})
    tasks = [MetricTask(name, RECIPE, f"{name}-{number}") for name in metrics]
    return Job(f"job-{number}", about, "e", RECIPE, f"maps-{number}", [SampleRef(0, "s", "d")], tasks)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_taken_is_the_first_on_what_is_loaded_else_the_first_of_all(seed: int) -> None:
    chance = random.Random(seed)
    jobs = [job(number, chance.choice("xyz")) for number in range(40)]
    queue, expected = JobQueue(), list(jobs)
    queue.add(jobs)
    cancelled: set[str] = set()
    while expected or len(queue):
        move = chance.random()
        if move < 0.15:
            columns = {f"{chance.choice(['a', 'b', 'maps'])}-{chance.randrange(40)}"}
            cancelled |= columns
            queue.cancel(columns)
            expected = [left for each in expected if (left := drop_columns(each, columns)) is not None]
            continue
        loaded = chance.choice(["x", "y", "z", ""])
        near = [each for each in expected if each.subject.prediction_key == loaded]
        wanted = (near or expected or [None])[0]
        taken = queue.take(loaded)
        assert (taken and taken.to_json()) == (wanted and wanted.to_json())
        if wanted is None:
            break
        expected.remove(wanted)
        if move > 0.9:
            queue.put_back(wanted)
            expected.insert(0, wanted)
    assert queue.take("x") is None


def test_a_job_that_is_put_back_has_lost_what_was_cancelled_meanwhile() -> None:
    queue = JobQueue()
    queue.add([job(0, "x"), job(1, "x")])
    taken = queue.take("x")
    assert taken is not None
    queue.cancel({"a-0"})
    queue.put_back(taken)
    again = queue.take("x")
    assert again is not None and again.id == "job-0" and [task.key for task in again.metrics] == ["b-0"]


def test_a_composition_waits_for_those_shards_of_its_parts_that_have_its_rows() -> None:
    queue = JobQueue()
    queue.add([composed(0, [], range(0, 4)), composed(0, [], range(4, 8)), composed(1, [0], range(0, 4)), composed(2, [], range(0, 4))])
    assert [queue.take("x").id for _ in range(3)] == ["job-0-0", "job-0-4", "job-2-0"]  # type: ignore[union-attr]
    assert queue.take("x") is None and len(queue) == 1
    queue.release("job-0-4")
    assert queue.take("x") is None
    queue.release("job-0-0")
    assert queue.take("x").id == "job-1-0"  # type: ignore[union-attr]


def test_a_released_composition_has_its_place() -> None:
    queue = JobQueue()
    queue.add([composed(0, [], range(0, 4)), composed(1, [0], range(0, 4)), composed(2, [], range(0, 4))])
    queue.take("x")
    queue.release("job-0-0")
    assert queue.take("x").id == "job-1-0"  # type: ignore[union-attr]


def test_maps_that_are_not_kept_are_not_waited_for() -> None:
    queue = JobQueue()
    queue.add([composed(0, [], range(4, 8), keep=4), composed(1, [0], range(4, 8), keep=4)])
    assert [queue.take("x").id for _ in range(2)] == ["job-0-4", "job-1-4"]  # type: ignore[union-attr]


def test_a_part_that_is_cancelled_is_not_waited_for() -> None:
    queue = JobQueue()
    queue.add([composed(0, [], range(0, 4)), composed(1, [0], range(0, 4))])
    queue.cancel({"maps-0"})
    assert queue.take("y").id == "job-1-0"  # type: ignore[union-attr]
    assert len(queue) == 0


def test_a_job_is_split_where_fewer_are_left_than_workers_want() -> None:
    queue = JobQueue()
    queue.add([composed(0, [], range(0, 64)), composed(1, [], range(0, 64))])
    taken = [queue.take("x", others=2) for _ in range(9)]
    assert [each and (each.id, each.key, len(each.rows)) for each in taken] == [
        ("job-0-0.1", "maps-0", 32),  # another waits: two workers share this one
        ("job-0-0.2", "maps-0", 16),
        ("job-0-0.3", "maps-0", 8),
        ("job-0-0", "maps-0", 8),
        ("job-1-0.1", "maps-1", 22),
        ("job-1-0.2", "maps-1", 14),
        ("job-1-0.3", "maps-1", 10),
        ("job-1-0.4", "maps-1", 8),
        ("job-1-0", "maps-1", 10),
    ]


@settings(deadline=None)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=5), st.integers(1, 9))
def test_there_are_as_many_shares_as_workers_would_get_something(sizes: list[int], most: int) -> None:
    queue = JobQueue()
    queue.add([composed(number, [], range(rows)) for number, rows in enumerate(sizes)])
    shares, given = queue.count_employable_workers(most), 0
    while given < most and queue.take("x", others=most - given - 1) is not None:
        given += 1
    assert shares == given


def test_a_job_too_small_to_share_stays_whole_and_so_does_one_of_many() -> None:
    queue = JobQueue()
    queue.add([composed(0, [], range(0, 15)), composed(1, [], range(0, 64)), composed(2, [], range(0, 15))])
    assert [len(queue.take("x", others=others).rows) for others in (3, 1, 9)] == [15, 64, 15]  # type: ignore[union-attr]


def test_a_composition_waits_for_every_piece_of_its_part() -> None:
    queue = JobQueue()
    queue.add([composed(0, [], range(0, 16)), composed(1, [0], range(0, 16))])
    pieces = [queue.take("x", others=1) for _ in range(2)]
    assert queue.take("x") is None
    for piece in pieces:
        assert piece is not None and queue.take("x") is None
        queue.release(piece.id)
    assert queue.take("x").key == "maps-1"  # type: ignore[union-attr]


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=True))
def test_every_row_is_handed_out_once_and_never_before_its_parts(chance: random.Random) -> None:
    columns, jobs = range(chance.randint(1, 6)), list[Job]()
    for number in columns:
        parts = [part for part in chance.sample(columns, chance.randint(0, len(columns) - 1)) if part != number]
        size, subject = chance.randint(5, 48), chance.choice("xy")
        jobs += [composed(number, parts, range(start, min(48, start + size)), subject) for start in range(0, 48, size)]
    chance.shuffle(jobs)
    place = {each.id: i for i, each in enumerate(jobs)}
    queue, running, explained, handed, cancelled = JobQueue(), dict[str, Job](), set[tuple[str, int]](), list[tuple[str, int]](), set[str]()
    queue.add(jobs)
    while len(queue) or running:
        move = chance.choice(["take", "take", "explain", "finish", "die", "cancel"])
        if move == "cancel" and chance.random() < 0.2:
            cancelled.add(f"maps-{chance.choice(columns)}")
            queue.cancel(cancelled)
        elif move == "take" or not running:
            taken = queue.take(chance.choice("xyz"), chance.randrange(4))
            if taken is None:
                assert running or not len(queue), "nothing runs, and what waits is not handed out"
                continue
            assert taken.id not in running
            for other in jobs[: place[taken.origin]]:
                if other.key in parts_of(taken) - cancelled:
                    assert {(other.key, row.position) for row in set(other.rows) & set(taken.rows)} <= explained
            running[taken.id] = taken
            handed += cells(taken)
        elif move == "die":
            dead = running.pop(chance.choice(list(running)))
            queue.put_back(dead)
            handed = [cell for cell in handed if cell not in cells(dead)]
        elif move in ("explain", "finish"):
            name = chance.choice(list(running))
            explained |= set(cells(running[name]))
            queue.release(name)
            if move == "finish":
                del running[name]
    assert len(handed) == len(set(handed))
    assert {cell for each in jobs if each.key not in cancelled for cell in cells(each)} <= set(handed)
