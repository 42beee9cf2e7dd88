"""A store does the same wherever it is: in a folder, in memory, on a place whose files are moved, in a bucket."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from s3fs import S3FileSystem
from safetensors.numpy import save

from harness.store.map_files import StoredMaps
from harness.store.prune import list_store, prune
from harness.store.row_files import StoredValue
from harness.store.row_groups import COMPACT_ABOVE
from harness.store.sample_alignment import SamplePositions
from harness.store.segments import checksum, segment_name
from harness.store.store import Store, StoreNotFound

GROUP, OTHER = "ab" * 32, "cd" * 32
KEYS = [(f"s{i}", f"d{i}") for i in range(COMPACT_ABOVE + 4)]


def row(i: int, column: str = "column") -> StoredValue:
    return StoredValue(column, *KEYS[i], "value", float(i))


def maps(i: int) -> StoredMaps:
    return StoredMaps([KEYS[i]], np.full((1, 3, 3), i, dtype=np.float32), {"part": np.full((1, 2, 2), i, dtype=np.float16)})


def values(store: Store, group: str = GROUP) -> list[float]:
    known = store.known(group, SamplePositions(KEYS)).get("column", {}).get("value")
    return [] if known is None else known.values[known.there].tolist()


def test_what_one_commits_another_reads(place: str) -> None:
    store, other = Store(place), Store(place)
    assert values(other) == []
    assert other.samples_with_maps(GROUP) == set()
    store.commit_rows(GROUP, [row(0), row(1)])
    assert values(other) == [0, 1]
    other.commit_rows(GROUP, [row(2)])
    store.commit_maps(GROUP, maps(0))
    other.commit_maps(GROUP, maps(1))
    for each in (store, other, Store(place, new=False)):
        assert values(each) == [0, 1, 2]
        assert each.samples_with_maps(GROUP) == set(KEYS[:2])
        found = each.maps(GROUP, {KEYS[1], KEYS[5]})
        assert found is not None
        assert list(found.samples) == [KEYS[1]]
        assert (found.map == 1).all()
        assert found.parts["part"].dtype == np.float16


def test_facts_and_descriptions_are_those_that_were_written_last(place: str) -> None:
    store, other = Store(place), Store(place)
    assert other.fact(GROUP) is None
    assert other.described(GROUP) == {}
    for value in (1, {"labels": [1, 2]}):
        store.remember(GROUP, value)
        assert other.fact(GROUP) == value
    for name in ("road", "pointing"):
        store.describe(GROUP, {"component": "x", "label": "y", "scores": {name: name}})
    assert other.described(GROUP) == {"component": "x", "label": "y", "scores": {"road": "road", "pointing": "pointing"}}


def test_small_segments_become_one_and_nothing_is_lost(place: str) -> None:
    store, other = Store(place), Store(place)
    for i in range(COMPACT_ABOVE + 4):
        store.commit_rows(GROUP, [row(i)])
    before = values(other)
    other.compact(GROUP)
    assert values(store) == values(other) == values(Store(place)) == before == list(range(COMPACT_ABOVE + 4))
    assert list_store(store).groups[0].files == 1


def test_several_write_at_once(place: str) -> None:
    stores = [Store(place) for _ in range(4)]

    def write(store: Store, first: int) -> None:
        for i in range(first, first + 5):
            store.commit_rows(GROUP, [row(i)])
        store.gather(GROUP)

    threads = [threading.Thread(target=write, args=(store, 5 * number)) for number, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values(Store(place)) == list(range(20))
    assert list_store(stores[0]).groups[0].files == 4


@pytest.mark.parametrize("damage", ["truncated", "altered", "emptied"])
@pytest.mark.parametrize("kind", ["rows", "maps", "facts"])
def test_what_is_damaged_is_set_aside_and_the_rest_is_read(place: str, kind: str, damage: str) -> None:
    store = Store(place)
    for i in range(2):
        store.commit_rows(GROUP, [row(i)])
        store.commit_maps(GROUP, maps(i))
    store.remember(GROUP, 1)
    victim = next(iter(store.folder.walk_files(kind)))
    content = bytearray(store.folder.read(victim.path))
    content[len(content) // 2] ^= 1
    damaged = {"truncated": bytes(content[: len(content) // 2]), "altered": bytes(content), "emptied": b""}[damage]
    store.folder.write(victim.path, damaged)
    later = Store(place)
    assert len(values(later)) == (1 if kind == "rows" else 2)
    found = later.maps(GROUP, KEYS[:2])
    assert found is not None
    assert len(found.samples) == (1 if kind == "maps" else 2)
    assert later.fact(GROUP) == (None if kind == "facts" else 1)
    assert len(later.damaged) == 1
    assert victim.name in later.damaged[0]
    assert [file.name for file in later.folder.files("damaged")] == [victim.name]
    assert list_store(later).damaged == 1


def test_what_was_copied_from_anothers_place_is_set_aside(place: str) -> None:
    """Whole as it is, it is of something else: a map of another explanation, a fact about another component."""
    store = Store(place)
    for group, number in ((GROUP, 0), (OTHER, 1)):
        store.commit_maps(group, replace(maps(0), map=np.full((1, 2, 2), number, dtype=np.float32), parts={}))
        store.remember(group, number)
    for kind in ("maps", "facts"):
        mine, others = (next(f.path for f in store.folder.walk_files(kind) if group in f.path) for group in (GROUP, OTHER))
        there = others if kind == "facts" else f"{others.rpartition('/')[0]}/{mine.rpartition('/')[2]}"
        content = store.folder.read(mine)
        store.folder.remove(others)
        store.folder.write(there, content)
    later = Store(place)
    assert later.samples_with_maps(OTHER) == set()
    assert later.maps(OTHER, KEYS[:1]) is None
    assert later.fact(OTHER) is None
    assert sorted("maps are of" in told or "remembered under" in told for told in later.damaged) == [True, True]
    assert later.samples_with_maps(GROUP) == {KEYS[0]}
    assert (later.maps(GROUP, KEYS[:1]).map.max(), later.fact(GROUP)) == (0.0, 0)  # type: ignore[union-attr]


@pytest.mark.parametrize("metadata", ["[]", '"text"', "{}", '{"samples": "[]", "group": 3}', '{"samples": "[]", "group": null}'])
def test_a_header_of_another_form_is_of_no_maps(tmp_path: Path, metadata: str) -> None:
    header = f'{{"__metadata__": {metadata}}}'.encode()
    content = len(header).to_bytes(8, "little") + header
    store = Store(tmp_path)
    store.folder.write(f"maps/{GROUP[:2]}/{GROUP}/{segment_name('.safetensors', content)}", content)
    assert store.samples_with_maps(GROUP) == set()
    assert store.maps(GROUP, KEYS[:1]) is None
    assert len(store.damaged) == 1


def test_files_that_do_not_say_what_they_are_of_are_read_where_they_are(place: str) -> None:
    """As those of older versions."""
    store = Store(place)
    content = json.dumps({"checksum": checksum(b"[1, 2]"), "value": [1, 2]}).encode()
    store.folder.write(f"facts/{GROUP[:2]}/{GROUP}.json", content)
    header = {"samples": json.dumps([list(KEYS[0])])}
    found = save({"map": np.ones((1, 2, 2), dtype=np.float32)}, metadata=header)
    store.folder.write(f"maps/{GROUP[:2]}/{GROUP}/{segment_name('.safetensors', found)}", found)
    assert store.fact(GROUP) == [1, 2]
    assert store.samples_with_maps(GROUP) == {KEYS[0]}
    assert store.maps(GROUP, KEYS[:1]) is not None
    assert store.damaged == []


def test_what_is_pruned_is_gone_and_the_rest_stays(place: str) -> None:
    store = Store(place)
    for group, name in ((GROUP, "lrp"), (OTHER, "grad-cam")):
        store.commit_rows(group, [row(0), row(1, "other")])
        store.commit_maps(group, maps(0))
        store.describe(group, {"component": name, "label": name, "scores": {"column": "road", "other": "pointing"}})
    listed = list_store(store)
    assert {group.key: (group.component, group.files) for group in listed.groups} == {GROUP: ("lrp", 3), OTHER: ("grad-cam", 3)}
    assert all(group.bytes > 500 for group in listed.groups)
    assert prune(store, older="1h").groups == []
    assert prune(store, component="pointing").scores == 2
    assert store.columns(OTHER) == {"column"}
    assert [group.key for group in prune(store, component="lrp").groups] == [GROUP]
    for each in (store, Store(place)):
        assert values(each) == []
        assert values(each, OTHER) == [0]
        assert each.samples_with_maps(GROUP) == set()
        assert each.described(OTHER)["scores"] == {"column": "road"}
    assert [group.key for group in list_store(store).groups] == [OTHER]


def test_only_what_is_begun_is_a_store(place: str) -> None:
    with pytest.raises(StoreNotFound, match="is not a store"):
        Store(place, new=False)
    Store(place)
    Store(place, new=False)


def test_a_long_header_is_read_whole(place: str) -> None:
    samples = [(f"{i:064}", f"{i:064}") for i in range(200)]
    Store(place).commit_maps(GROUP, StoredMaps(samples, np.zeros((200, 1, 1), dtype=np.float32), {}))
    assert Store(place).samples_with_maps(GROUP) == set(samples)


def test_files_that_are_moved_into_place_leave_nothing_beside_them(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}/store")
    store.commit_rows(GROUP, [row(0)])
    store.remember(GROUP, 1)
    store.remember(GROUP, 2)
    assert values(Store(tmp_path / "store")) == [0]
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")] == []


def test_a_bucket_is_asked_once_for_each_object(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"{bucket}/asked")
    store.remember(GROUP, 1)
    store.commit_rows(GROUP, [row(0)])
    rows = [file.path for file in store.folder.walk_files("rows")]
    asked: list[str] = []
    ask = S3FileSystem._call_s3

    async def counted(fs: S3FileSystem, method: str, *arguments: Any, **options: Any) -> Any:
        asked.append(method)
        return await ask(fs, method, *arguments, **options)

    monkeypatch.setattr(S3FileSystem, "_call_s3", counted)
    other = Store(f"{bucket}/asked")
    assert other.fact(GROUP) == 1
    assert [path for path, _ in other.folder.read_many(rows)] == rows
    assert asked == ["get_object"] * 3
