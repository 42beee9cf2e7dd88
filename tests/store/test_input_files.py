"""Costly inputs: whole or not there, within a bound, and harmless whatever becomes of their folder."""

import errno
import os
import shutil
import threading
import time
from collections import namedtuple
from pathlib import Path

import pytest

from harness.store import input_files
from harness.store.input_files import IN_USE_FOR, InputFiles

KEYS = [f"{number:02x}" * 32 for number in range(8)]
LONG_AGO = IN_USE_FOR + 60


@pytest.fixture
def files(tmp_path: Path) -> InputFiles:
    """Room for four contents of 1,000 bytes."""
    return InputFiles(tmp_path / "inputs", 4096)


def content(number: int) -> bytes:
    return bytes([number]) * 1000


def path_of(files: InputFiles, key: str) -> Path:
    (found,) = files.folder.rglob(key)
    return found


def last_used(files: InputFiles, key: str, seconds_ago: float) -> None:
    then = time.time() - seconds_ago
    os.utime(path_of(files, key), (then, then))


def there(files: InputFiles) -> list[int]:
    return [number for number, key in enumerate(KEYS) if files.get(key) == content(number)]


def test_a_content_is_there_under_its_key_alone(files: InputFiles) -> None:
    files.put(KEYS[1], content(1))
    assert there(files) == [1]
    assert [files.get(key) for key in KEYS if key != KEYS[1]] == [None] * 7
    assert [path.name for path in files.folder.rglob("*") if path.is_file()] == [KEYS[1]]


def test_what_is_there_is_not_written_again(files: InputFiles) -> None:
    files.put(KEYS[0], content(0))
    before = path_of(files, KEYS[0]).stat().st_ino
    files.put(KEYS[0], content(0))
    assert path_of(files, KEYS[0]).stat().st_ino == before


@pytest.mark.parametrize("damage", ["first", "last", "short", "empty", "longer", "another's", "folder"])
def test_what_is_damaged_is_as_if_it_were_not_there(files: InputFiles, damage: str) -> None:
    files.put(KEYS[0], content(0))
    path = path_of(files, KEYS[0])
    whole = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        files.put(KEYS[1], content(1))
        other = path_of(files, KEYS[1]).read_bytes()
        flipped = {"another's": other, "first": bytes([whole[0] ^ 1]) + whole[1:], "last": whole[:-1] + bytes([whole[-1] ^ 1])}
        path.write_bytes({**flipped, "short": whole[:500], "empty": b"", "longer": whole + b"0"}[damage])
    assert files.get(KEYS[0]) is None
    files.put(KEYS[0], content(0))
    assert files.get(KEYS[0]) == (None if damage == "folder" else content(0))


def test_the_longest_unused_makes_room(files: InputFiles) -> None:
    for number in range(4):
        files.put(KEYS[number], content(number))
        last_used(files, KEYS[number], LONG_AGO + 100 - number)
    assert files.get(KEYS[0]) is not None  # used now
    for number in (4, 5):
        files.put(KEYS[number], content(number))
    assert there(files) == [0, 3, 4, 5]


def test_what_is_in_use_makes_no_room_so_that_a_part_of_much_stays(files: InputFiles) -> None:
    for _ in range(2):
        for number, key in enumerate(KEYS):
            files.put(key, content(number))
    assert there(files) == [0, 1, 2, 3]


def test_a_bound_holds_for_what_others_wrote_and_for_what_is_larger_than_it(files: InputFiles) -> None:
    for number in range(4):
        files.put(KEYS[number], content(number))
    InputFiles(files.folder, files.bound).put(KEYS[4], content(4))
    files.put(KEYS[5], bytes(5000))
    assert there(files) == [0, 1, 2, 3]
    for number in range(4):
        last_used(files, KEYS[number], LONG_AGO + number)
    InputFiles(files.folder, 2500).put(KEYS[4], content(4))
    assert there(files) == [0, 4]


def test_what_a_link_leads_to_is_not_counted_nor_removed(files: InputFiles, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis").write_bytes(bytes(4000))
    os.utime(mine / "thesis", (0, 0))
    files.folder.mkdir()
    (files.folder / "aa").symlink_to(mine)
    for number in range(6):
        files.put(KEYS[number], content(number))
    assert (there(files), (mine / "thesis").stat().st_size) == ([0, 1, 2, 3], 4000)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_folder_that_cannot_be_written_costs_nothing(files: InputFiles, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    files.put(KEYS[0], content(0))
    tried: list[Path] = []

    def refuse(self: Path, target: Path) -> None:
        tried.append(target)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    for place in (1, 2):
        files.put(KEYS[place], content(place))
    assert (there(files), len(tried)) == ([0], 1)
    assert [path.name for path in files.folder.rglob("*") if path.is_file()] == [KEYS[0]]


def test_a_file_in_the_folders_place_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text("")
    files = InputFiles(tmp_path / "inputs")
    files.put(KEYS[0], content(0))
    assert files.get(KEYS[0]) is None


def test_room_is_left_on_the_disk(files: InputFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(input_files.SPARE_BYTES + 500))
    files.put(KEYS[0], content(0))
    assert there(files) == []


def test_many_writers_at_once_leave_every_content_whole(tmp_path: Path) -> None:
    def write(several: InputFiles) -> None:
        for number, key in enumerate(KEYS):
            several.put(key, content(number))
            assert several.get(key) == content(number)

    writers = [threading.Thread(target=write, args=(InputFiles(tmp_path / "inputs"),)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    files = InputFiles(tmp_path / "inputs")
    assert there(files) == list(range(8))
    assert sum(path.is_file() for path in files.folder.rglob("*")) == 8


def test_no_store_that_is_elsewhere_has_them_nor_one_that_may_keep_none(tmp_path: Path) -> None:
    assert InputFiles.of_store("s3://bucket/store") is None
    assert InputFiles.of_store(str(tmp_path), 0) is None
    assert InputFiles.of_store(str(tmp_path)) == InputFiles(tmp_path / "inputs")


def test_two_that_write_go_beyond_the_bound_by_no_more_than_a_sixteenth_each(tmp_path: Path) -> None:
    both = [InputFiles(tmp_path, 3200) for _ in range(2)]
    for number in range(100):
        both[number % 2].put(f"{number:064x}", bytes(50))
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) <= 3200 + 2 * (200 + 60)
