"""Values that explainers share, in every kind of place: what is written is read, what is damaged is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.store.prune import list_store, prune
from harness.store.shared_values import StoredArray, decode_array, encode_array
from harness.store.store import Store

GROUP = "5c" * 32
ONE, TWO, THREE = ("s1", "d 0"), ("s2", "d 1"), ("s1", "d 1")


def stored(samples: list[tuple[str, str]], first: float = 0.0) -> StoredArray:
    return StoredArray(samples, first + np.arange(len(samples) * 6, dtype=np.float32).reshape(len(samples), 2, 3))


def read(store: Store, samples: list[tuple[str, str]]) -> dict[tuple[str, str], list[object]]:
    return {sample: value.tolist() for found in store.shared(GROUP, samples) for sample, value in zip(*as_pairs(found), strict=True)}


def as_pairs(found: StoredArray) -> tuple[list[tuple[str, str]], np.ndarray]:
    return list(found.samples), found.values


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4)])
def test_every_bit_comes_back(dtype: str, shape: tuple[int, ...]) -> None:
    bits = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 256, (2, *shape, np.dtype(dtype).itemsize), dtype=np.uint8)
    values = bits.view(dtype)[..., 0]
    found = decode_array(encode_array(StoredArray([ONE, TWO], values), GROUP), GROUP)
    assert (found.samples, found.values.dtype, found.values.shape) == ([ONE, TWO], values.dtype, values.shape)
    assert found.values.tobytes() == values.tobytes()


def test_of_each_wanted_sample_and_target_its_own_is_read(place: str) -> None:
    Store(place).commit_shared(GROUP, stored([ONE, TWO]), 10**6)
    store = Store(place)
    store.commit_shared(GROUP, stored([THREE], 100), 10**6)
    assert read(store, [THREE, ONE]) == {THREE: stored([THREE], 100).values[0].tolist(), ONE: stored([ONE, TWO]).values[0].tolist()}
    assert read(store, [("s3", "d 0")]) == read(Store(place), [("s2", "d 0")]) == {}
    assert store.shared("6d" * 32, [ONE]) == []


def test_what_two_workers_wrote_is_read_once(tmp_path: Path) -> None:
    for _ in range(2):
        Store(tmp_path).commit_shared(GROUP, stored([ONE, TWO]), 10**6)
    found = Store(tmp_path).shared(GROUP, [ONE, TWO])
    assert sorted(sample for part in found for sample in part.samples) == [ONE, TWO]


def test_what_is_large_is_not_written(tmp_path: Path) -> None:
    store, noise = Store(tmp_path), np.random.default_rng(0).random((4, 10_000))
    samples = [(f"s{i}", "d 0") for i in range(4)]
    assert not store.commit_shared(GROUP, StoredArray(samples, noise), 70_000)
    assert store.commit_shared(GROUP, StoredArray(samples, np.zeros_like(noise)), 70_000)  # compressed it is small
    assert (store.shared(GROUP, samples)[0].values == 0).all()


@pytest.mark.parametrize("content", [b"", b"damaged", encode_array(stored([ONE]), GROUP)[:-1]], ids=["empty", "other", "cut"])
def test_what_is_damaged_is_set_aside_and_nothing_is_read_of_it(tmp_path: Path, content: bytes) -> None:
    Store(tmp_path).commit_shared(GROUP, stored([ONE]), 10**6)
    (file,) = (tmp_path / "shared").rglob("*.parquet")
    file.write_bytes(content)
    store = Store(tmp_path)
    assert store.shared(GROUP, [ONE]) == []
    assert len(store.damaged) == 1
    store.commit_shared(GROUP, stored([ONE], 1), 10**6)
    assert read(store, [ONE]) == {ONE: stored([ONE], 1).values[0].tolist()}


def test_a_file_of_another_group_is_none_of_this(tmp_path: Path) -> None:
    store, other = Store(tmp_path), "6d" * 32
    store.commit_shared(GROUP, stored([ONE]), 10**6)
    store.commit_shared(other, stored([ONE], 1), 10**6)
    ((mine,), (its,)) = ((tmp_path / "shared").rglob(f"{group}/*.parquet") for group in (GROUP, other))
    its.rename(mine.with_name(its.name))
    mine.unlink()
    store = Store(tmp_path)
    assert store.shared(GROUP, [ONE]) == []
    assert len(store.damaged) == 1


@pytest.mark.parametrize("condition", [{"component": "irof"}, {"older": "0s"}, {"size": "0"}], ids=str)
def test_it_is_listed_and_pruned(tmp_path: Path, condition: dict[str, str]) -> None:
    store = Store(tmp_path)
    store.commit_shared(GROUP, stored([ONE]), 10**6)
    store.describe(GROUP, {"component": "irof", "label": "shared by explainers", "scores": {}})
    assert [(group.key, group.component, group.label) for group in list_store(store).groups] == [(GROUP, "irof", "shared by explainers")]
    assert [group.key for group in prune(store, **condition).groups] == [GROUP]
    assert store.shared(GROUP, [ONE]) == []
    assert list_store(store).groups == []
