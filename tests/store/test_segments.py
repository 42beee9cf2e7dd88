from pathlib import Path

import pytest

from harness.store.atomic import is_temporary, temporary_name
from harness.store.segments import is_intact, segment_name
from harness.store.store import Store


def test_a_segment_is_known_by_its_name_and_verified_by_it() -> None:
    name = segment_name(".parquet", b"content")
    assert is_intact(name, b"content")
    assert segment_name(".parquet", b"content") != name


@pytest.mark.parametrize("damage", [b"", b"conten", b"contenT", b"content "])
def test_a_changed_segment_is_damaged(damage: bytes) -> None:
    assert not is_intact(segment_name(".parquet", b"content"), damage)


@pytest.mark.parametrize("name", ["layout.json", "recipe.json", "ab" * 32 + ".json"])
def test_what_is_replaced_is_no_segment_and_neither_is_what_is_being_written(name: str) -> None:
    assert not is_intact(name, b"")
    assert is_temporary(temporary_name(name))
    assert not is_intact(temporary_name(segment_name(".parquet", b"")), b"")


def test_temporary_files_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "rows" / "ab" / ("ab" * 32)
    folder.mkdir(parents=True)
    (folder / temporary_name(segment_name(".parquet", b"half"))).write_bytes(b"ha")
    store = Store(tmp_path)
    assert store.columns("ab" * 32) == set()
    assert store.damaged == []
