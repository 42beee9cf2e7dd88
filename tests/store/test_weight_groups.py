"""Weights and checkpoints in a store: the last checkpoint until the weights are there, and never anything that is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from harness.store.prune import list_store, prune
from harness.store.store import Store
from harness.store.weight_groups import read_record, record_metadata

KEY, OTHER = "4b" * 32, "ab" * 32


def file(value: float, **record: object) -> bytes:
    return bytes(save({"w": np.full(3, value, dtype=np.float32)}, metadata=record_metadata(record)))


def value(content: bytes | None) -> float:
    assert content is not None
    return float(load(content)["w"][0])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def files(store: Store, kind: str) -> list[Path]:
    return sorted(path for path in (Path(store.address) / kind).rglob("*") if path.is_file())


def test_a_checkpoint_replaces_the_one_before_and_goes_when_the_weights_are_there(store: Store) -> None:
    assert store.checkpoint(KEY) is None and store.weights(KEY) is None and not store.has_weights(KEY)
    store.keep_checkpoint(KEY, file(1, epoch=1))
    store.keep_checkpoint(KEY, file(2, epoch=2))
    store.keep_checkpoint(OTHER, file(7))
    assert value(store.checkpoint(KEY)) == 2
    assert len(files(store, "checkpoints")) == 2
    assert not store.has_weights(KEY)
    store.commit_weights(KEY, file(3, epoch=3))
    assert value(store.weights(KEY)) == 3
    assert store.checkpoint(KEY) is None and value(store.checkpoint(OTHER)) == 7
    assert store.has_weights(KEY)
    assert [(each.key, each.finished, each.record) for each in store.trainings()] == [(OTHER, False, {}), (KEY, True, {"epoch": 3})]


def test_the_newest_of_two_checkpoints_counts_and_of_two_weights_the_oldest(store: Store) -> None:
    """Two of the first where a writer died before it removed the other, two of the second where two trained beside one another."""
    for number in (1, 2):
        store.commit_weights(KEY, file(number))
    for path in files(store, "weights"):
        os.utime(path, ns=(10**18 * int(load(path.read_bytes())["w"][0]),) * 2)
    assert value(store.weights(KEY)) == 1
    folder = Path(store.address) / "checkpoints" / KEY[:2] / KEY
    store.keep_checkpoint(KEY, file(1))
    (first,) = folder.iterdir()
    kept = first.read_bytes()
    store.keep_checkpoint(KEY, file(2))
    first.write_bytes(kept)
    os.utime(first, ns=(1, 1))
    assert value(store.checkpoint(KEY)) == 2


@pytest.mark.parametrize("harm", ["cut", "flipped", "no record"])
def test_what_is_damaged_is_set_aside_and_the_one_before_counts(store: Store, harm: str) -> None:
    folder = Path(store.address) / "checkpoints" / KEY[:2] / KEY
    store.keep_checkpoint(KEY, file(1))
    (first,) = folder.iterdir()
    kept = first.read_bytes()
    store.keep_checkpoint(KEY, file(2) if harm != "no record" else bytes(save({"w": np.ones(1)})))
    (last,) = folder.iterdir()
    first.write_bytes(kept)
    os.utime(first, ns=(1, 1))
    if harm == "cut":
        last.write_bytes(last.read_bytes()[:-1])
    elif harm == "flipped":
        last.write_bytes(last.read_bytes()[:-1] + b"\x01")
    assert value(store.checkpoint(KEY)) == 1
    assert len(store.damaged) == 1
    assert len(files(store, "damaged")) == 1


@pytest.mark.parametrize("size", [0, 5, 40, -1])
def test_weights_that_are_cut_are_none(store: Store, size: int) -> None:
    store.commit_weights(KEY, file(1, curve=[{"loss": 0.1}] * 2000))
    assert store.has_weights(KEY)
    (path,) = files(store, "weights")
    path.write_bytes(path.read_bytes()[:size])
    assert not store.has_weights(KEY)
    assert store.weights(KEY) is None


def test_trainings_are_listed_and_pruned_like_anything_else(store: Store) -> None:
    store.describe(KEY, {"component": "trained", "label": "vgg", "scores": {}})
    store.commit_weights(KEY, file(1))
    store.describe(OTHER, {"component": "other", "label": "b", "scores": {}})
    store.keep_checkpoint(OTHER, file(1))
    assert {group.key: group.component for group in list_store(store).groups} == {KEY: "trained", OTHER: "other"}
    assert len(prune(store, component="trained", dry=True).groups) == 1
    prune(store, component="trained")
    assert store.weights(KEY) is None and value(store.checkpoint(OTHER)) == 1
    prune(store, older="0s")
    assert store.trainings() == []


def test_a_long_record_is_read_from_the_header_alone(store: Store) -> None:
    record = {"curve": [{"epoch": number, "loss": 1 / (number + 1)} for number in range(3000)]}
    store.commit_weights(KEY, file(1, **record))
    assert store.trainings()[0].record == record == read_record(store.weights(KEY) or b"")
