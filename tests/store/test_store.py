import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.store import row_files as row_files
from harness.store.map_files import StoredMaps
from harness.store.row_files import StoredValue
from harness.store.row_groups import COMPACT_ABOVE, GATHER_ABOVE
from harness.store.sample_alignment import SamplePositions
from harness.store.store import Store, StoreError

GROUP = "ab" * 32


def rows(samples: range, column: str = "column", value: float = 1.0) -> list[StoredValue]:
    return [StoredValue(column, f"s{i}", f"d{i}", "value", value + i) for i in samples]


def kept(store: Store, column: str = "column") -> dict[str, float]:
    """The values of s0, s1, … that a store has."""
    samples = SamplePositions([(f"s{i}", f"d{i}") for i in range(30)])
    fields = store.known(GROUP, samples).get(column, {})
    return {} if not fields else {f"s{i}": float(fields["value"].values[i]) for i in np.flatnonzero(fields["value"].there)}


def test_committed_rows_are_read_by_another_store_on_the_folder(tmp_path: Path) -> None:
    Store(tmp_path).commit_rows(GROUP, [*rows(range(3)), StoredValue("column", "s3", "d3", "value", math.nan)])
    known = Store(tmp_path).known(GROUP, SamplePositions([("s3", "d3"), ("s1", "d1"), ("s9", "d9"), ("s0", "other")]))["column"]["value"]
    assert known.there.tolist() == [True, True, False, False]
    assert known.values == pytest.approx([math.nan, 2.0, math.nan, math.nan], nan_ok=True)


def test_of_rows_written_twice_one_stands(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.commit_rows(GROUP, rows(range(3)))
    store.commit_rows(GROUP, rows(range(2, 5), value=7.0))
    found = kept(store)
    assert (found["s0"], found["s4"]) == (1.0, 11.0) and found["s2"] in (3.0, 9.0)
    for _ in range(COMPACT_ABOVE):
        store.commit_rows(GROUP, rows(range(2, 5), value=100.0))
    store.compact(GROUP)
    assert kept(store).keys() == found.keys()


def test_compaction_changes_nothing_but_the_number_of_files(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for i in range(COMPACT_ABOVE + 1):
        store.commit_rows(GROUP, rows(range(i, i + 1)))
    before = kept(store)
    store.compact(GROUP)
    assert kept(store) == before
    assert len(list((tmp_path / "rows").rglob("*.parquet"))) == 1


def test_what_one_job_wrote_is_one_file_and_what_others_wrote_is_left(tmp_path: Path) -> None:
    other, store = Store(tmp_path), Store(tmp_path)
    other.commit_rows(GROUP, rows(range(20, 22)))
    for i in range(GATHER_ABOVE + 1):
        store.commit_rows(GROUP, rows(range(i, i + 1)))
    before, theirs = kept(store), set((tmp_path / "rows").rglob("*.parquet"))
    store.gather(GROUP)
    left = set((tmp_path / "rows").rglob("*.parquet"))
    assert kept(Store(tmp_path)) == before and len(left) == 2 and len(left & theirs) == 1
    store.commit_rows(GROUP, rows(range(25, 26)))
    store.gather(GROUP)
    assert len(list((tmp_path / "rows").rglob("*.parquet"))) == 3


@pytest.mark.parametrize("kind", ["rows", "maps"])
def test_a_damaged_file_is_named_and_set_aside_and_the_rest_is_read(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path)
    for i in range(2):
        store.commit_rows(GROUP, rows(range(i, i + 1)))
        store.commit_maps(GROUP, StoredMaps([(f"s{i}", f"d{i}")], np.full((1, 2, 2), i, dtype=np.float32), {}))
    victim = sorted((tmp_path / kind).rglob("*.parquet" if kind == "rows" else "*.safetensors"))[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content))
    if kind == "rows":
        assert len(kept(store)) == 1
    else:
        found = store.maps(GROUP, {("s0", "d0"), ("s1", "d1")})
        assert found is not None
        assert len(found.samples) == 1
    assert victim.name in store.damaged[0]
    assert [path.name for path in (tmp_path / "damaged").iterdir()] == [victim.name]


def test_maps_read_back_by_sample_with_parts_at_their_own_resolution(tmp_path: Path) -> None:
    store = Store(tmp_path)
    maps = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    parts = {"grad-cam": np.arange(3, dtype=np.float16).reshape(3, 1, 1)}
    store.commit_maps(GROUP, StoredMaps([("a", "1"), ("b", "2"), ("c", "3")], maps, parts, np.array([1.0, 2.0, 3.0])))
    found = store.maps(GROUP, {("c", "3"), ("a", "1"), ("x", "9")})
    assert found is not None
    place = list(found.samples).index(("c", "3"))
    assert np.array_equal(found.map[place], maps[2])
    assert found.parts["grad-cam"].dtype == np.float16
    assert found.parts["grad-cam"][place, 0, 0] == 2
    assert found.expected is not None
    assert found.expected[place] == 3.0
    assert len(found.samples) == 2
    assert store.maps(GROUP, {("a", "another digest")}) is None


def test_facts_survive_and_an_altered_one_does_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.remember("cd" * 32, {"labels": [1, 2]})
    assert Store(tmp_path).fact("cd" * 32) == {"labels": [1, 2]}
    path = next((tmp_path / "facts").rglob("*.json"))
    path.write_text(path.read_text().replace("2", "3"))
    assert store.fact("cd" * 32) is None
    assert len(store.damaged) == 1


def test_a_store_of_another_layout_is_refused(tmp_path: Path) -> None:
    (tmp_path / "layout.json").write_text(json.dumps({"version": 99}))
    with pytest.raises(StoreError, match="layout 99"):
        Store(tmp_path)


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        Store(tmp_path / "file")


SHAPES = ["", "[]", "{}", "7", "null", '"x"', "[" * 200_000, '{"version": ' * 50_000, '{"version": []}', "\xff", "9" * 5000]


@pytest.mark.parametrize("content", SHAPES, ids=range(len(SHAPES)))
def test_a_marker_of_any_shape_is_a_store_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "layout.json").write_text(content, encoding="latin-1")
    with pytest.raises(StoreError):
        Store(tmp_path)


@pytest.mark.parametrize("content", SHAPES, ids=range(len(SHAPES)))
def test_a_fact_or_a_description_of_any_shape_is_absent(tmp_path: Path, content: str) -> None:
    store = Store(tmp_path)
    store.remember(GROUP, 1)
    store.describe(GROUP, {"component": "x", "label": "x", "scores": {}})
    for path in (*tmp_path.glob("facts/*/*.json"), *tmp_path.rglob("recipe.json")):
        path.write_text(content, encoding="latin-1")
    assert store.fact(GROUP) is None
    assert len(store.damaged) == 1
    assert store.described(GROUP) == {}
    store.describe(GROUP, {"component": "x", "label": "y", "scores": {"k": "road"}})
    assert store.described(GROUP) == {"component": "x", "label": "y", "scores": {"k": "road"}}


def test_of_a_description_only_what_is_well_formed_is_taken(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.describe(GROUP, {"component": 3, "label": "fine", "scores": {"a": "road", "b": ["road"], "c": "\ud800"}})
    assert store.described(GROUP) == {"label": "fine", "scores": {"a": "road"}}
    next(tmp_path.rglob("recipe.json")).write_text('{"component": "x", "scores": []}')
    assert store.described(GROUP) == {"component": "x"}


WRITES: dict[str, Callable[[Store], object]] = {
    "rows": lambda store: store.commit_rows(GROUP, rows(range(1))),
    "maps": lambda store: store.commit_maps(GROUP, StoredMaps([("s", "d")], np.zeros((1, 2, 2), dtype=np.float32), {})),
    "facts": lambda store: store.remember(GROUP, 1),
    "descriptions": lambda store: store.describe(GROUP, {"component": "x", "label": "x", "scores": {}}),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(("number", "advice"), [(errno.ENOSPC, "free some space, the same command goes on"), (errno.EROFS, "--store")])
def test_what_cannot_be_written_says_where_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Store], object], number: int, advice: str
) -> None:
    store = Store(tmp_path)

    def fails(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(StoreError) as error:
        write(store)
    assert str(error.value).startswith(f"the store {tmp_path} cannot be written: {os.strerror(number)}; ")
    assert advice in str(error.value)


def test_a_compaction_that_cannot_write_leaves_the_small_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    for i in range(COMPACT_ABOVE + 1):
        store.commit_rows(GROUP, rows(range(i, i + 1)))
    before = sorted(tmp_path.rglob("*"))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    store.compact(GROUP)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("movable", [True, False])
def test_a_segment_that_is_a_folder_is_reported_and_the_rest_is_read(tmp_path: Path, movable: bool) -> None:
    store = Store(tmp_path)
    store.commit_rows(GROUP, rows(range(2)))
    store.commit_maps(GROUP, StoredMaps([("s0", "d0")], np.zeros((1, 2, 2), dtype=np.float32), {}))
    for kind, suffix in (("rows", "parquet"), ("maps", "safetensors")):
        next((tmp_path / kind).glob("*/*")).joinpath(f"00.00.{suffix}").mkdir()
    if not movable:
        (tmp_path / "damaged").write_text("a file where the folder should be")
    for _ in range(2):
        assert len(kept(store)) == 2
        assert store.samples_with_maps(GROUP) == {("s0", "d0")}
        assert store.maps(GROUP, {("s0", "d0"), ("s1", "d1")}) is not None
    assert [line.split(": ")[0].split("/")[1] for line in store.damaged] == ["00.00.parquet", "00.00.safetensors"]
    assert (tmp_path / "damaged" / "00.00.parquet").is_dir() == movable


def test_a_segment_that_cannot_be_read_survives_compaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    for i in range(COMPACT_ABOVE + 1):
        store.commit_rows(GROUP, rows(range(i, i + 1)))
    (tmp_path / "damaged").write_text("a file where the folder should be")
    victim = next(tmp_path.rglob("*.parquet"))
    content, read = victim.read_bytes(), Path.read_bytes

    def failing(path: Path) -> bytes:
        if path == victim:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", failing)
        store.compact(GROUP)
    assert victim.read_bytes() == content
    assert len(kept(store)) == COMPACT_ABOVE + 1


def test_a_group_that_is_a_file_is_a_store_error(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "rows" / GROUP[:2]).mkdir(parents=True)
    (tmp_path / "rows" / GROUP[:2] / GROUP).write_text("")
    with pytest.raises(StoreError, match="cannot be read: Not a directory"):
        kept(store)


def test_dropped_columns_are_counted_once_and_leave_the_description(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.commit_rows(GROUP, [*rows(range(3)), *rows(range(2), "other")])
    store.describe(GROUP, {"component": "x", "label": "x", "scores": {"column": "road", "other": "pointing"}})
    assert store.drop_columns(GROUP, {"column", "unknown"}) == 1
    assert store.drop_columns(GROUP, {"column"}) == 0
    assert store.columns(GROUP) == {"other"}
    assert store.described(GROUP)["scores"] == {"other": "pointing"}


def test_what_another_process_compacts_is_found_by_one_that_skipped_it_before(tmp_path: Path) -> None:
    ours, theirs = Store(tmp_path), Store(tmp_path)
    for number in range(COMPACT_ABOVE + 4):
        theirs.commit_rows(GROUP, [StoredValue("column", f"s{number}", "d", "value", float(number))])
    wanted = SamplePositions([("s3", "d")])
    assert ours.known(GROUP, wanted)["column"]["value"].values.tolist() == [3.0]
    assert ours.known(GROUP, SamplePositions([("nobody", "d")])) == {}
    theirs.compact(GROUP)
    assert ours.known(GROUP, wanted)["column"]["value"].values.tolist() == [3.0]
    assert ours.known(GROUP, SamplePositions([("nobody", "d")])) == {}


def test_a_job_reads_no_segment_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, read = Store(tmp_path), []
    decode = row_files.decode_rows
    monkeypatch.setattr(row_files, "decode_rows", lambda content: read.append(1) or decode(content))
    for number in range(12):
        assert store.known(GROUP, SamplePositions([(f"s{number}", "d")])) == {}
        store.commit_rows(GROUP, [StoredValue("column", f"s{number}", "d", "value", 1.0)])
    assert read == []
    assert store.known(GROUP, SamplePositions([("s5", "d")])) != {}
    assert len(read) == 1


def test_a_process_imports_nothing_with_its_first_rows(tmp_path: Path) -> None:
    code = (
        "import sys; from harness.store import row_files; from harness.store.sample_alignment import SamplePositions;"
        "from harness.store.store import Store; before = set(sys.modules);"
        f"store = Store({str(tmp_path / 'store')!r}); store.commit_rows('ab' * 32, [row_files.StoredValue('c', 's', 'd', 'value', 1.0)]);"
        "assert store.known('ab' * 32, SamplePositions([('s', 'd')]))['c']['value'].values == [1];"
        "sys.exit(str({name.partition('.')[0] for name in set(sys.modules) - before} & {'pandas', 'pyarrow'} or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stderr.strip() == ""
