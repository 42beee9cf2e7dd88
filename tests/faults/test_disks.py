"""Disks that are full, read-only or gone, and files that were altered: nothing wrong is stored, and the same command goes on after it."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
from harness.runs.event_files import Journal
from harness.store.map_files import StoredMaps
from harness.store.row_files import StoredValue
from harness.store.sample_alignment import SamplePositions
from harness.store.store import Store, StoreError
from tests.support.driver import board, driver
from tests.support.spec import SMALL, small_spec

GROUP = "ab" * 32
PARTS = {"explainers": ["slope", "contrast"], "metrics": ["inside"]}


def confined(script: str) -> list[str]:
    """A command that runs what follows it in a mount namespace of its own, after a line of shell."""
    return ["unshare", "-rm", "/bin/sh", "-c", f'{script} && exec "$@"', "-"]


MOUNTS = shutil.which("unshare") is not None and subprocess.run([*confined("mount -t tmpfs none /mnt"), "true"]).returncode == 0
namespaces = pytest.mark.skipif(not MOUNTS, reason="no mount namespaces here")


@pytest.mark.slow
@namespaces
@pytest.mark.parametrize("room", [3, 30])
def test_a_full_disk_blocks_what_it_has_no_room_for(tmp_path: Path, room: int) -> None:
    """``room`` blocks of 4 KiB beside what is there."""
    (tmp_path / "disk").mkdir()
    run = driver(tmp_path, store="disk/store", **PARTS)
    keep = f"cp -r {tmp_path}/disk/. {tmp_path}/kept"
    run.wrapped = confined(f"mount -t tmpfs -o size={room * 4}k,nr_inodes=1000 none {tmp_path}/disk && mkdir -p {tmp_path}/kept")
    run.wrapped[4] = run.wrapped[4].replace('exec "$@"', f'{{ "$@"; code=$?; {keep}; exit $code; }}')
    done = run.run()
    assert done.returncode in (1, 2), done.stderr
    assert "No space left on device" in done.stderr
    assert "free some space, the same command goes on" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "kept").rglob("*.tmp"))
    after, whole = driver(tmp_path, store="kept/store", **PARTS), driver(tmp_path, out="whole", store="whole-store", **PARTS)
    assert after.run().returncode == 0
    whole.undisturbed()
    assert after.board() == whole.board()
    assert "damaged" not in {path.name for path in (tmp_path / "kept" / "store").iterdir()}


@pytest.mark.slow
def test_files_that_may_not_grow_are_a_full_disk(tmp_path: Path) -> None:
    """The maps of 2 samples are larger than the limit, rows and facts are not."""
    large = [{"use": "squares", "params": {"samples": 32}}]
    run = driver(tmp_path, datasets=large, explainers=["slope"], metrics=["inside"], execution={"shard": 32})
    done = run.run(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384)))
    assert done.returncode == 1, done.stderr
    assert run.states() == {("slope", "inside"): "blocked"}
    assert "File too large; raise the limit" in done.stderr
    assert run.run().returncode == 0


@pytest.mark.slow
@namespaces
def test_a_store_that_is_read_only_shows_what_it_has_and_refuses_the_rest(tmp_path: Path) -> None:
    run = driver(tmp_path, execution={"executor": "inline"}, **PARTS)
    run.undisturbed()
    run.wrapped = confined(f"mount --bind -o ro {tmp_path}/store {tmp_path}/store")
    assert run.run().returncode == 0
    run.spec["metrics"] = ["inside", "drop"]
    done = run.run()
    assert done.returncode == 2
    assert "cannot be written: Read-only file system; make it writable, or use another --store" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@namespaces
def test_a_run_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    run = driver(tmp_path, execution={"executor": "inline"}, **PARTS)
    run.wrapped = confined(f"mount -t tmpfs -o ro none {tmp_path}/out")
    done = run.run()
    assert done.returncode == 2
    assert f"the run folder {tmp_path}/out cannot be written: Read-only file system; make it writable, or use another --out" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_journal_that_cannot_be_written_ends_no_run() -> None:
    with Journal(Path("/dev/full")) as journal:
        journal.write({"event": "run"})
    assert journal.lacking == "/dev/full lacks some events: No space left on device"


# the store's own


ROWS = [StoredValue("column", f"s{i}", f"d{i}", "value", float(i)) for i in range(3)]
MAPS = StoredMaps([("s0", "d0")], np.zeros((1, 2, 2), dtype=np.float32), {})
COMMITS: dict[str, Callable[[Store], object]] = {
    "scores": lambda store: store.commit_rows(GROUP, ROWS),
    "attributions": lambda store: store.commit_maps(GROUP, MAPS),
}


@pytest.mark.parametrize("commit", COMMITS.values(), ids=COMMITS)
@pytest.mark.parametrize("call", ["write", "fsync", "replace", "folder"])
def test_nothing_is_committed_by_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: Callable[[Store], object], call: str
) -> None:
    store = Store(tmp_path)

    def full(*arguments: Any, **options: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def half(path: Path, content: bytes) -> int:
        with path.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        return full()

    places = {"write": ("pathlib.Path.write_bytes", half), "fsync": ("os.fsync", full), "replace": ("pathlib.Path.replace", full)}
    with monkeypatch.context() as patch:
        patch.setattr(*places.get(call, ("pathlib.Path.mkdir", full)))
        with pytest.raises(StoreError, match="No space left on device; free some space"):
            commit(store)
    assert store.known(GROUP, SamplePositions([("s0", "d0")])) == {}
    assert store.maps(GROUP, {("s0", "d0")}) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "layout.json"]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EACCES])
def test_a_file_that_may_be_whole_is_not_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    store = Store(tmp_path)
    store.commit_rows(GROUP, ROWS)
    store.remember(GROUP, 1)
    before = sorted(tmp_path.rglob("*"))

    def failing(path: Path) -> bytes:
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", failing)
        with pytest.raises(StoreError, match=f"cannot be read: {os.strerror(number)}"):
            store.known(GROUP, SamplePositions([("s0", "d0")]))
        with pytest.raises(StoreError, match="cannot be read"):
            store.fact(GROUP)
    assert sorted(tmp_path.rglob("*")) == before
    assert store.fact(GROUP) == 1


def test_a_listing_made_while_another_run_compacts_hides_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold the last of the small files, which go last, and not yet the large one."""
    store = Store(tmp_path)
    for row in ROWS:
        store.commit_rows(GROUP, [row])
    small = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "rows").rglob("*.parquet"))
    monkeypatch.setattr("harness.store.row_groups.COMPACT_ABOVE", 1)
    listings = iter([small[-1:]])
    listed = store._segments

    def torn(kind: str, group: str, suffix: str) -> list[str]:
        first = next(listings, None)
        if first is None:
            return listed(kind, group, suffix)
        return first

    monkeypatch.setattr(store, "_segments", torn)
    found = store.known(GROUP, SamplePositions([(f"s{i}", f"d{i}") for i in range(3)]))
    assert found["column"]["value"].there.all()


@pytest.mark.parametrize("damage", ["truncated", "altered", "emptied"])
@pytest.mark.parametrize("kind", ["rows", "maps", "facts"])
def test_a_damaged_file_is_set_aside_and_only_what_it_held_computed_again(
    tmp_path: Path, kind: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    monkeypatch.setenv("SMALL_CALLS", str(calls))

    def run() -> harness.RunResult:
        calls.write_text("")
        spec = small_spec(explainers=["slope"], nulls=[], execution={"executor": "inline", "shard": 2})
        return harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL])

    run()
    before = board(tmp_path / "out")
    files = [path for path in (tmp_path / "store" / kind).rglob("*.*") if path.name != "recipe.json"]
    victim = sorted(files)[-1]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes({"truncated": bytes(content[: len(content) // 2]), "altered": bytes(content), "emptied": b""}[damage])
    assert run().failures == []
    assert board(tmp_path / "out") == before
    again = {line.split()[-1] for line in calls.read_text().splitlines()}
    assert len(again) <= {"rows": 2, "maps": 2 if damage == "emptied" else 0, "facts": 0}[kind]
