"""Rows that are read ahead are those that a worker reads by itself, and whatever becomes of the reader costs nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
import torch

from harness.planning.jobs import Subject, SubjectRows
from harness.processes.child_process import ChildProcess
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.store.store import Store
from harness.worker import prefetching
from harness.worker.component_cache import ComponentCache
from harness.worker.contracts import ChangedSincePlanning
from harness.worker.job_inputs import JobInputs
from harness.worker.prefetching import Prefetcher
from harness.worker.samples import SampleBatch, read_sample
from tests.support.driver import until
from tests.support.jobs import sample_ref
from tests.support.spec import SMALL

PLUGINS = [SMALL, SMALL.with_name("reluctant.py")]


class Bench:
    """What a worker has that prepares rows, with a reader and without one."""

    def __init__(self, folder: Path, pause: float = 0.02, device: str = "cpu") -> None:
        registry = Registry.discover(PLUGINS)
        self.components = ComponentCache(registry, device)
        data, net = (
            resolve(registry, "datasets", {"use": "reluctant", "params": {"pause": pause}}),
            resolve(registry, "models", "pools"),
        )
        self.subject = Subject("data", "net", data, None, net, [0, 1], "p" * 64, "predicted", 0, {})
        self.model, dataset = self.components.model(net), self.components.dataset(data)
        samples = [read_sample(dataset, i) for i in range(8)]
        self.rows = [sample_ref(i, sample) for i, sample in enumerate(samples)]
        self.prefetcher = Prefetcher(PLUGINS, pinned=device != "cpu")
        self.ahead = JobInputs(self.components, Store(folder / "ahead"), self.prefetcher)
        self.alone = JobInputs(self.components, Store(folder / "alone"))

    def ask(self, begun: bool = True) -> None:
        """Have the rows read ahead, and wait until the first of them is there."""
        self.ahead.prefetch_rows(SubjectRows(self.subject, self.rows))
        end = time.monotonic() + 60
        while begun and not (self.prefetcher._request and self.prefetcher._request.samples):
            assert time.monotonic() < end
            time.sleep(0.01)

    def of(self, inputs: JobInputs) -> SampleBatch:
        return inputs.of(self.subject, self.rows, self.model, lambda: None)[0]

    def equal(self) -> None:
        one, other = self.of(self.ahead), self.of(self.alone)
        assert (one.ids, torch.equal(one.images, other.images), torch.equal(one.labels, other.labels)) == (other.ids, True, True)
        assert one.evidence.keys() == other.evidence.keys() == {"mask", "boxes"}
        assert all(all(map(torch.equal, value, other.evidence[name])) for name, value in one.evidence.items())


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "marks"
    folder.mkdir()
    monkeypatch.setenv("RELUCTANT", str(folder))
    return folder


@pytest.fixture
def bench(tmp_path: Path, marks: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    with closing(made.prefetcher):
        yield made


@pytest.mark.slow
def test_rows_read_ahead_are_bit_equal_and_not_read_again(bench: Bench, marks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ask()
    with monkeypatch.context() as patch:
        patch.setattr(JobInputs, "_read", lambda *_: pytest.fail("the worker read by itself"))
        bench.of(bench.ahead)
    assert (marks / "read-ahead").read_text().split() == [str(i) for i in range(8)]
    bench.equal()


@pytest.mark.slow
@pytest.mark.parametrize("does", ["dies", "hangs", "changes-ahead"])
def test_a_reader_that_ends_hangs_or_reads_something_else_costs_nothing(
    bench: Bench, marks: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    monkeypatch.setattr(prefetching, "NEXT_ROW_TIMEOUT", 0.5)
    (marks / does).touch()
    bench.ask()
    bench.equal()


def test_a_reader_that_hangs_before_its_first_row_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ask()
    prefetcher = bench.prefetcher
    assert prefetcher._request is not None and prefetcher._process is not None
    first = prefetcher._process
    prefetcher._request.samples.clear()  # as if none had come
    prefetcher._request.ended = False
    bench.ask(begun=False)
    assert prefetcher._process is first, "it has time to begin"
    monkeypatch.setattr(prefetching, "FIRST_ROW_TIMEOUT", 0.0)
    bench.ask(begun=False)
    until(lambda: first.has_exited)
    assert prefetcher._process is not None and prefetcher._process is not first
    bench.equal()


def test_the_first_piece_of_a_job_that_was_split_has_the_rows_that_were_read_for_all(bench: Bench) -> None:
    bench.ask()
    ready, images = bench.prefetcher.take(bench.subject, bench.rows[:3], bench.model)
    alone = bench.of(bench.alone)
    assert [row.id for row in ready] == list(alone.ids[:3])
    assert images is not None and torch.equal(images, alone.images[:3])


@pytest.mark.slow
@pytest.mark.parametrize(("does", "error"), [("raises", OSError), ("changes", ChangedSincePlanning)])
def test_what_cannot_be_read_is_told_as_without_a_reader(bench: Bench, marks: Path, does: str, error: type[Exception]) -> None:
    (marks / does).touch()
    bench.ask()
    told = []
    for inputs in (bench.ahead, bench.alone):
        with pytest.raises(error) as raised:
            bench.of(inputs)
        told.append(str(raised.value))
    assert told[0] == told[1]


@pytest.mark.slow
def test_rows_that_were_not_asked_for_or_have_not_begun_are_read_by_the_worker(bench: Bench) -> None:
    bench.ask(begun=False)
    bench.equal()
    bench.ahead.forget()
    bench.rows = bench.rows[::-1]
    bench.alone.forget()
    bench.equal()


def test_a_reader_that_cannot_be_started_is_given_up(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "nothing"))
    for _ in range(5):
        bench.ask(begun=False)
    bench.equal()


def test_what_a_reader_that_was_replaced_says_at_its_end_does_not_end_the_next_request(bench: Bench) -> None:
    bench.ask()
    request = bench.prefetcher._request
    assert request is not None
    until(lambda: request.ended)
    request.ended = False  # as if more were to come
    bench.prefetcher._hear(cast(ChildProcess, object()), None)
    assert not request.ended
    bench.equal()


def test_one_that_is_closed_leaves_no_reader_and_starts_another_when_asked(bench: Bench) -> None:
    bench.prefetcher.close()
    for _ in range(5):
        bench.ask(begun=False)
        process = bench.prefetcher._process
        assert process is not None
        bench.prefetcher.close()
        assert process.has_exited
    bench.equal()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_images_come_from_pinned_memory(tmp_path: Path, marks: Path) -> None:
    bench = Bench(tmp_path, device="cuda")
    with closing(bench.prefetcher):
        bench.ask()
        request = bench.prefetcher._request
        assert request is not None and request.images is not None and request.images.is_pinned()
        bench.equal()
