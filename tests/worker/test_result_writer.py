"""Results are written while the next are computed: told when they are durable, in their order, and blocked where they cannot be kept."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from harness.dispatch.events import ColumnFailed, Event, JobFinished, RowsCommitted
from harness.planning.jobs import Job, positions_of
from harness.store.sample_alignment import rows_with_any_value
from harness.store.store import Store, StoreError
from harness.worker.job_runner import JobRunner
from harness.worker.result_writer import MAX_WAITING_TASKS, ResultWriter


def test_tasks_are_written_in_their_order_and_told_after_it() -> None:
    writer, log, gate = ResultWriter(), list[str](), threading.Event()
    writer.put("first", lambda: (gate.wait(10), log.append("first")), lambda error: log.append(f"told first {error}"))
    writer.put("second", lambda: log.append("second"), lambda error: log.append(f"told second {error}"))
    assert log == []  # the first one holds the writer up, and nobody else
    gate.set()
    writer.flush()
    assert log == ["first", "told first None", "second", "told second None"]


def test_what_a_write_raises_is_told_and_the_next_is_written() -> None:
    def full() -> None:
        raise StoreError("full")

    writer, told = ResultWriter(), list[BaseException | None]()
    writer.put("first", full, told.append)
    writer.put("second", lambda: None, told.append)
    writer.flush()
    assert [type(error) for error in told] == [StoreError, type(None)]


@pytest.mark.parametrize("waiting", [1, MAX_WAITING_TASKS + 3])
def test_where_telling_raises_the_rest_is_written_and_told_and_who_waits_hears_it_once(waiting: int) -> None:
    def deaf(error: BaseException | None) -> None:
        raise BrokenPipeError("nobody listens")

    writer, told = ResultWriter(), list[BaseException | None]()
    writer.put("first", lambda: None, deaf)
    for number in range(waiting):
        writer.put(str(number), lambda: None, told.append)
    with pytest.raises(BrokenPipeError, match="nobody listens"):
        flushed(writer)
    assert told == [None] * waiting
    writer.put("last", lambda: None, told.append)
    flushed(writer)
    assert len(told) == waiting + 1


def flushed(writer: ResultWriter) -> None:
    """Wait for a writer, but not for ever."""
    raised = list[BaseException]()

    def flush() -> None:
        try:
            writer.flush()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=flush, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "it waits for ever"
    for error in raised:
        raise error


def test_no_more_waits_than_memory_should_hold() -> None:
    writer, gate, put = ResultWriter(), threading.Event(), threading.Semaphore(0)

    def fill() -> None:
        for number in range(MAX_WAITING_TASKS + 2):  # one is being written
            writer.put(str(number), lambda: gate.wait(10), lambda error: None)
            put.release()

    threading.Thread(target=fill, daemon=True).start()
    for _ in range(MAX_WAITING_TASKS + 1):
        assert put.acquire(timeout=10)
    assert not put.acquire(timeout=0.1)
    gate.set()
    assert put.acquire(timeout=10)
    writer.flush()


def test_committed_means_readable_and_finished_comes_last(work: tuple[JobRunner, Job]) -> None:
    bench, job = work
    heard: list[Event] = []
    places = positions_of(job.rows, {task.key: task.evidence for task in job.metrics})

    def hear(event: Event) -> None:
        heard.append(event)
        if isinstance(event, RowsCommitted):
            known = Store(bench.store.address).known(job.key, places)
            assert rows_with_any_value(known.get(event.column, {}), len(job.rows)).all()

    bench.run(job, hear)
    committed = [event.column for event in heard if isinstance(event, RowsCommitted)]
    assert committed == [job.key, *(task.key for task in job.metrics)]
    assert isinstance(heard[-1], JobFinished)


def test_where_an_explanation_cannot_be_kept_neither_are_its_scores(work: tuple[JobRunner, Job], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise StoreError("no room")

    bench, job = work
    monkeypatch.setattr(Store, "commit_maps", full)
    heard: list[Event] = []
    bench.run(job, heard.append)
    states = {event.column: event.state for event in heard if isinstance(event, ColumnFailed)}
    assert states == dict.fromkeys([job.key, *(task.key for task in job.metrics)], "blocked")
    assert isinstance(heard[-1], JobFinished)
    assert bench.store.columns(job.key) == set()


def test_a_score_that_cannot_be_kept_blocks_itself(work: tuple[JobRunner, Job], monkeypatch: pytest.MonkeyPatch) -> None:
    bench, job = work
    commit = Store.commit_rows

    def selective(store: Store, group: str, rows: Any) -> None:
        if rows[0].column == job.metrics[0].key:
            raise StoreError("no room")
        commit(store, group, rows)

    monkeypatch.setattr(Store, "commit_rows", selective)
    heard: list[Event] = []
    bench.run(job, heard.append)
    assert {event.column: event.state for event in heard if isinstance(event, ColumnFailed)} == {job.metrics[0].key: "blocked"}
    assert [event.column for event in heard if isinstance(event, RowsCommitted)] == [job.key, *(task.key for task in job.metrics[1:])]
