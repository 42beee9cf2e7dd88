"""Stores in places that refuse, break off, lose and cut short: nothing wrong is stored, and no message shows a password."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import harness
from harness.dispatch.executor import ExecutorError
from harness.registry.registry import Registry
from harness.runs.run import Run
from harness.spec.load import load_spec
from harness.store.map_files import StoredMaps
from harness.store.row_files import StoredValue
from harness.store.row_groups import COMPACT_ABOVE
from harness.store.sample_alignment import SamplePositions
from harness.store.store import Store, StoreError
from tests.support.driver import FAULTY, alive, board, driver, killed
from tests.support.s3 import s3_server
from tests.support.spec import SMALL, small_spec

GROUP = "ab" * 32
PARTS: dict[str, Any] = {"explainers": ["slope", "contrast"], "metrics": ["inside"]}
MEETING: dict[str, Any] = {**PARTS, "metrics": ["inside", "awaited"]}  # the second waits to be killed, where a test has armed it


class Place(MemoryFileSystem):  # type: ignore[misc]
    """Objects in memory; counts what is asked of it, several at once as one, and does as it is told when it is asked."""

    protocol = "memory"
    asked: ClassVar[Counter[str]] = Counter()
    refuses: ClassVar[dict[str, Exception]] = {}

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if what in self.refuses:
            raise self.refuses[what]

    def cat_ranges(self, paths: list[str], *arguments: Any, **options: Any) -> list[Any]:
        found = list(super().cat_ranges(paths, *arguments, **options))
        self.asked["read"] += 1 - len(paths)
        return found

    def cat_file(self, path: str, start: Any = None, end: Any = None, **options: Any) -> bytes:
        self._ask("read")
        return bytes(super().cat_file(path, start, end, **options))

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        self._ask("list")
        return super().ls(path, detail, **options)

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        self._ask("write")
        super().pipe_file(path, value, **options)

    def mv(self, path1: str, path2: str, **options: Any) -> None:
        self._ask("move")
        super().mv(path1, path2, **options)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A URL that `Place` answers."""
    before = fsspec.get_filesystem_class("memory")
    monkeypatch.setattr(Place, "asked", Counter())
    monkeypatch.setattr(Place, "refuses", {})
    fsspec.register_implementation("memory", Place, clobber=True)
    yield f"memory://{secrets.token_hex(4)}"
    fsspec.register_implementation("memory", before, clobber=True)


def run(at: str, folder: Path, **changes: Any) -> harness.RunResult:
    return harness.run(small_spec(**{**PARTS, "nulls": [], **changes}), out=folder, store=at, plugins=[SMALL])


@pytest.mark.parametrize(
    ("refusal", "advice"),
    [
        (OSError("Connection was closed before we received a valid response"), "goes on where this one stopped"),
        (PermissionError("Access Denied"), "give credentials that may write there"),
        (FileNotFoundError("The specified bucket does not exist"), "create it, or use another --store"),
        (RuntimeError("a driver's own\nsecond line"), "RuntimeError: a driver's own; the same command"),
    ],
    ids=["broken off", "refused", "no bucket", "own"],
)
def test_a_place_that_does_not_take_it_keeps_nothing_and_says_what_to_do(place: str, refusal: Exception, advice: str) -> None:
    store = Store(place)
    store.commit_rows(GROUP, [StoredValue("column", "s", "d", "value", 1.0)])
    before = dict(MemoryFileSystem.store)
    Place.refuses["write"] = refusal
    for write in (
        lambda: store.commit_rows(GROUP, [StoredValue("column", "t", "d", "value", 1.0)]),
        lambda: store.commit_maps(GROUP, StoredMaps([("s", "d")], np.zeros((1, 2, 2), dtype=np.float32), {})),
        lambda: store.remember(GROUP, 1),
    ):
        with pytest.raises(StoreError) as error:
            write()
        assert str(error.value).startswith(f"the store {place} cannot be written: ")
        assert advice in str(error.value)
        assert "\n" not in str(error.value)
    assert MemoryFileSystem.store == before
    with pytest.raises(StoreError, match="cannot use"):
        Store(f"{place}-other")


def test_a_place_that_does_not_answer_loses_nothing(place: str) -> None:
    """What cannot be read now may be whole: it is neither set aside nor computed again."""
    store = Store(place)
    store.commit_rows(GROUP, [StoredValue("column", "s", "d", "value", 1.0)])
    store.commit_maps(GROUP, StoredMaps([("s", "d")], np.zeros((1, 2, 2), dtype=np.float32), {}))
    store.remember(GROUP, 1)
    before = dict(MemoryFileSystem.store)
    other = Store(place)
    Place.refuses.update({"read": TimeoutError("timed out")})
    for read in (
        lambda: other.columns(GROUP),
        lambda: other.samples_with_maps(GROUP),
        lambda: other.maps(GROUP, {("s", "d")}),
        lambda: other.fact(GROUP),
    ):
        with pytest.raises(StoreError, match="cannot be read: timed out"):
            read()
    assert MemoryFileSystem.store == before
    Place.refuses.clear()
    assert (other.fact(GROUP), other.columns(GROUP), other.samples_with_maps(GROUP)) == (1, {"column"}, {("s", "d")})


def test_what_vanishes_between_listing_and_reading_is_looked_for_again(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run compacts after the listing: the small objects are gone, and the large one is not in the listing."""
    writer, reader = Store(place), Store(place)
    for i in range(COMPACT_ABOVE + 1):
        writer.commit_rows(GROUP, [StoredValue("column", f"s{i}", "d", "value", float(i))])
    listed, compactions = reader.folder.names, iter([writer.compact])

    def names(path: str) -> list[str]:
        found = listed(path)
        for compact in compactions:
            compact(GROUP)
        return found

    monkeypatch.setattr(reader.folder, "names", names)
    known = reader.known(GROUP, SamplePositions([(f"s{i}", "d") for i in range(COMPACT_ABOVE + 1)]))
    assert known["column"]["value"].there.all()
    assert reader.damaged == []


def test_what_is_mended_in_its_place_is_read(place: str) -> None:
    """What has come damaged and cannot be set aside is not kept in memory either, nor is what its first bytes say."""
    writer, reader = Store(place), Store(place)
    writer.commit_rows(GROUP, [StoredValue("column", "s", "d", "value", 1.0)])
    writer.commit_maps(GROUP, StoredMaps([("s", "d")], np.zeros((1, 80, 80), dtype=np.float32), {}))
    whole = dict(MemoryFileSystem.store)
    for kind in ("rows", "maps"):
        path = next(writer.folder.walk_files(kind)).path
        content = writer.folder.read(path)
        writer.folder.write(path, bytes(byte ^ (100 < at < 200) for at, byte in enumerate(content)))
    Place.refuses["move"] = PermissionError("Access Denied")
    assert (reader.columns(GROUP), reader.samples_with_maps(GROUP), reader.maps(GROUP, {("s", "d")})) == (set(), set(), None)
    MemoryFileSystem.store.update(whole)
    assert (reader.columns(GROUP), reader.samples_with_maps(GROUP)) == ({"column"}, {("s", "d")})
    assert reader.maps(GROUP, {("s", "d")}) is not None


def test_a_cached_run_asks_a_place_for_little(place: str, tmp_path: Path) -> None:
    """A few questions for each column, and none for each cell or each segment."""
    asked = {}
    for name, metrics in (("few", ["inside"]), ("many", ["inside", "drop", "wobble"])):
        assert run(place, tmp_path / name, metrics=metrics).failures == []
        Place.asked.clear()
        assert run(place, tmp_path / name, metrics=metrics).failures == []
        asked[name] = sum(Place.asked.values())
        assert Place.asked["write"] == 0
    columns = 3  # two explanations and the predictions
    assert asked["many"] <= asked["few"] + 3 * 2  # for each metric that was added
    probabilities = 1  # of the predictions, of which the measures of models are made
    # of each explanation also which files making it opens, and of the run what its explainers share
    assert asked["few"] <= 12 * columns + probabilities


def test_a_password_is_shown_nowhere(tmp_path: Path) -> None:
    address = "ftp://someone:open%20sesame@127.0.0.1:1/store"
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps(small_spec(store={"path": address})))
    for options in ([], ["--store", address]):
        command = [sys.executable, "-m", "harness", "run", str(spec), "--plugin", str(SMALL), "--out", str(tmp_path / "out"), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == 2
        *before, said = done.stderr.splitlines()
        assert said.startswith("cannot use ftp://someone@127.0.0.1:1/store as a store: Connection refused; ")
        assert all(line.startswith(("reading ", "importing ")) for line in before), before
        assert "sesame" not in done.stdout + done.stderr


def test_a_run_folder_holds_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    address = place.replace("memory://", "memory://someone:sesame@")
    monkeypatch.setattr(sys, "argv", ["harness", "run", f"--store={address}"])
    result = run(address, tmp_path / "out", store={"path": address})
    assert result.failures == []
    written = {path.name: path.read_text(errors="replace") for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert "someone@" in written["spec.yaml"] and "someone@" in written["columns.json"] and "someone@" in written["provenance.json"]
    assert not [name for name, text in written.items() if "sesame" in text]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s4://bucket/x", "fsspec knows no protocol s4://"),
        ("gdrive://folder/x", "needs a driver that is not there: "),
        ("memory://", "name a folder in it"),
        ("memory://x::memory://y", "must be one URL"),
        ("memory://x/*", "must be one URL"),
    ],
)
def test_what_is_no_place_for_a_store_is_said_in_one_line(address: str, said: str) -> None:
    with pytest.raises(StoreError) as error:
        Store(address)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_workers_are_not_sent_to_a_place_that_only_this_process_sees(tmp_path: Path) -> None:
    registry = Registry.discover([SMALL])
    loaded = load_spec(small_spec(execution={"executor": "local"}), registry)
    with pytest.raises(ExecutorError, match="use the executor inline"):
        Run(loaded, registry, tmp_path / "out", f"memory://{secrets.token_hex(4)}")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The leaderboard of the run whose workers meet elsewhere, in this process and in a folder."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAULTY_MARKS", str(folder))
        spec = small_spec(nulls=[], **MEETING)
        assert harness.run(spec, out=folder / "out", store=folder / "store", plugins=[SMALL, FAULTY]).failures == []
    return board(folder / "out")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "s3"])
def test_a_run_whose_workers_meet_elsewhere_ends_as_one_in_a_folder(tmp_path: Path, kind: str, undisturbed: Any) -> None:
    if kind == "file":
        _meets_elsewhere(tmp_path, f"file://{tmp_path}/place", undisturbed)
    else:
        with s3_server() as bucket:
            _meets_elsewhere(tmp_path, f"{bucket}/place", undisturbed)


def _meets_elsewhere(tmp_path: Path, address: str, undisturbed: Any) -> None:
    """Two workers, one of them killed while it scores; then the same again, which computes nothing."""
    there = driver(tmp_path, execution={"workers": 2}, **MEETING)
    there.address = address
    there.arm("score")
    process = there.start()
    victim = there.mark("score", process)
    assert alive(victim)
    killed(victim)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert not alive(victim)
    finished = _who_finished(there.folder / there.out)
    assert finished and str(victim) not in finished
    assert there.board() == undisturbed
    before = there.calls()
    assert there.run().returncode == 0
    assert there.calls() == before
    assert _who_finished(there.folder / there.out) == set()
    assert there.board() == undisturbed
    assert Store(address, new=False).damaged == []


def _who_finished(folder: Path) -> set[str]:
    """The processes that have ended a job in the last run into a folder, as its journal tells."""
    lines = (folder / "journal.jsonl").read_text().splitlines()
    last = max(place for place, line in enumerate(lines) if json.loads(line)["event"] == "run")
    return {event["worker"].split()[-1] for event in map(json.loads, lines[last:]) if event["event"] == "finished"}
