import errno
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.store.input_files import InputFiles
from harness.store.map_files import StoredMaps
from harness.store.prune import list_store, prune
from harness.store.row_files import StoredValue
from harness.store.store import Store, StoreError

ONE, TWO = "4b" * 32, "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    for key, name in ((ONE, "lrp"), (TWO, "grad-cam")):
        store.commit_rows(key, [StoredValue(f"{name}-{column}", "s", "d", "value", 1.0) for column in ("road", "lost")])
        store.commit_maps(key, StoredMaps([("s", "d")], np.zeros((1, 2, 2), dtype=np.float32), {}))
        scores = {f"{name}-road": "road", f"{name}-never-scored": "road"}
        store.describe(key, {"component": name, "label": name, "scores": scores})
    return store


def at(store: Store) -> Path:
    return Path(store.address)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("linked", ["rows", f"rows/{ONE[:2]}", f"rows/{ONE[:2]}/{ONE}"])
@pytest.mark.parametrize("condition", [{"older": "0s"}, {"size": "0"}, {"component": "*"}, {"component": "road"}], ids=str)
def test_nothing_behind_a_link_is_counted_or_removed(store: Store, tmp_path: Path, linked: str, condition: dict[str, str]) -> None:
    elsewhere = tmp_path / "elsewhere"
    (at(store) / linked).rename(elsewhere)
    (at(store) / linked).symlink_to(elsewhere)
    before = {path: path.read_bytes() for path in files(elsewhere)}
    counted = {group.key: group.files for group in list_store(store).groups}
    assert counted == {ONE: 1, TWO: 1 if linked == "rows" else 3}
    prune(store, **condition)
    assert {path: path.read_bytes() for path in files(elsewhere)} == before


def test_a_link_to_a_file_is_not_counted_and_its_target_stays(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "large"
    target.write_bytes(b"x" * 10**6)
    (at(store) / "rows" / ONE[:2] / ONE / "00.00.parquet").symlink_to(target)
    assert list_store(store).bytes < 10**6
    assert len(prune(store, size="0").groups) == 2
    assert target.stat().st_size == 10**6


def test_a_store_behind_a_link_is_pruned(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(at(store))
    assert [group.key for group in prune(Store(tmp_path / "link"), component="lrp").groups] == [ONE]
    assert [group.key for group in list_store(store).groups] == [TWO]


def test_what_cannot_be_removed_is_said_and_the_rest_goes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    remove, kept = shutil.rmtree, at(store) / "rows" / ONE[:2] / ONE

    def stubborn(folder: Path, ignore_errors: bool = False) -> None:
        if folder != kept:
            remove(folder)
        elif not ignore_errors:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))

    monkeypatch.setattr("shutil.rmtree", stubborn)
    with pytest.raises(StoreError) as error:
        prune(store, size="0")
    assert str(error.value) == f"removed 1 of 2 explanations: {kept} cannot be removed: Read-only file system"
    assert [group.key for group in list_store(store).groups] == [ONE]


def test_scores_are_counted_where_they_are_and_once(store: Store) -> None:
    assert prune(store, component="road", dry=True).scores == 2
    assert prune(store, component="road").scores == 2
    assert prune(store, component="road").scores == 0
    assert {column for key in (ONE, TWO) for column in store.columns(key)} == {"lrp-lost", "grad-cam-lost"}


def test_temporary_files_of_dead_writers_go(store: Store) -> None:
    folders = [at(store), at(store) / "rows" / TWO[:2] / TWO, at(store) / "facts" / "ab"]
    folders[-1].mkdir(parents=True)
    old, new, other = ([folder / name for folder in folders] for name in (f".a.json.{'0' * 12}.tmp", f".b.json.{'0' * 12}.tmp", "mine.tmp"))
    for path in (*old, *new, *other):
        path.write_text("half")
    for path in (*old, *other):
        os.utime(path, (time.time() - 2 * 86400,) * 2)
    prune(store, component="nothing", dry=True)
    assert all(path.exists() for path in old)
    prune(store, component="nothing")
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in (*new, *other))


@pytest.fixture
def inputs(store: Store) -> list[Path]:
    """Three inputs of 1,000 bytes, used an hour, a day and 100 days ago."""
    files = InputFiles(at(store) / "inputs")
    for number, ago in enumerate((3600, 86400, 100 * 86400)):
        files.put(f"{number}" * 64, bytes(996))
        path = files.folder / f"{number}{number}" / (f"{number}" * 64)
        os.utime(path, (time.time() - ago, time.time() - ago))
    return sorted(path for path in files.folder.rglob("*") if path.is_file())


def test_inputs_are_listed_apart(store: Store, inputs: list[Path]) -> None:
    before = sum(group.bytes for group in list_store(store).groups)
    listing = list_store(store)
    assert (len(listing.groups), len(listing.inputs), listing.input_bytes, listing.bytes) == (2, 3, 3000, before + 3000)


@pytest.mark.parametrize(
    ("condition", "left", "groups"),
    [
        ({"inputs": True}, [], 2),
        ({"inputs": True, "older": "2h"}, [], 2),
        ({"older": "2h"}, [0], 2),
        ({"older": "30d"}, [0, 1], 2),
        ({"component": "*"}, [0, 1, 2], 0),
        ({"size": "0"}, [], 0),
        ({"size": "1T"}, [0, 1, 2], 2),
    ],
    ids=str,
)
def test_inputs_are_pruned_by_their_last_use(
    store: Store, inputs: list[Path], condition: dict[str, Any], left: list[int], groups: int
) -> None:
    told = prune(store, **condition, dry=True)
    assert [path.exists() for path in inputs] == [True] * 3
    assert len(prune(store, **condition).inputs) == len(told.inputs) == 3 - len(left)
    assert [place for place, path in enumerate(inputs) if path.exists()] == left
    assert len(list_store(store).groups) == groups


def test_inputs_go_before_results_where_a_store_is_too_large(store: Store, inputs: list[Path]) -> None:
    results = sum(group.bytes for group in list_store(store).groups)
    prune(store, size=str(results + 1500))
    assert [path.exists() for path in inputs] == [True, False, False]
    prune(store, size=str(results - 1))
    assert ([path.exists() for path in inputs], len(list_store(store).groups)) == ([False] * 3, 1)
