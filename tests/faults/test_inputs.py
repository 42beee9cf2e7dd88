"""Whatever others send: reading it ends in a result or in an error of the harness, writes nothing elsewhere, and runs nothing."""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save

import harness
from harness.results.run_folder import RunFolderError, read_results
from harness.store.map_files import StoredMaps
from harness.store.row_files import SCHEMA, StoredValue
from harness.store.sample_alignment import SamplePositions
from harness.store.segments import checksum
from harness.store.store import Store
from tests.support.segments import write_segment
from tests.support.spec import SMALL, small_spec

GROUP = "ab" * 32
KEYS = [("s0", "d0"), ("s1", "d1")]
SOUND, NOBODY = ("a sound sample", "d0"), ("a sample without a map", "d0")
OFTEN = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["s0", "d0", "ok", "\ud800", "/", ".."])
)
JSON = st.recursive(LEAVES, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=8), one, max_size=3), max_leaves=6)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder in a folder of its own, beside which nothing may appear."""
    with tempfile.TemporaryDirectory() as place:
        inside = Path(place, "inside")
        inside.mkdir()
        yield inside
        assert [path.name for path in Path(place).iterdir()] == ["inside"]


# run folders


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("finished")
    spec = small_spec(explainers=["slope"], metrics=["inside"], nulls=[])
    harness.run(spec, out=place / "out", store=place / "store", plugins=[SMALL])
    return place / "out"


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    yield at
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(child, (*at, key))


@OFTEN
@given(data=st.data(), value=JSON)
def test_results_of_any_shape_are_results_or_refused(finished: Path, data: st.DataObject, value: Any) -> None:
    text = json.loads((finished / "results.json").read_text())
    *way, last = data.draw(st.sampled_from([place for place in places(text) if place]))
    inner = text
    for key in way:
        inner = inner[key]
    inner[last] = value
    with folder() as run:
        shutil.copy(finished / "scores.parquet", run)
        (run / "results.json").write_text(json.dumps(text))
        try:
            read_results(run)
        except RunFolderError as error:
            assert "\n" not in str(error)


# stores


def column(kind: pa.DataType) -> st.SearchStrategy[pa.Array]:
    texts = st.sampled_from(["column", "s0", "d0", "value", "", "\0", None])
    values: Any = {pa.string(): texts, pa.float64(): st.floats() | st.none(), pa.int64(): st.integers(0, 9) | st.none()}[kind]
    return st.lists(values, min_size=2, max_size=2).map(lambda given: pa.array(given, kind))


TABLES = st.dictionaries(
    st.sampled_from(["column", "sample", "digest", "field", "value", "more"]),
    st.sampled_from([pa.string(), pa.float64(), pa.int64()]).flatmap(column),
    max_size=6,
)


def reads(store: Store) -> None:
    known = store.known(GROUP, SamplePositions(KEYS))
    assert all(len(each.values) == len(each.there) == 2 for fields in known.values() for each in fields.values())
    assert store.columns(GROUP) >= set(known)
    found = store.maps(GROUP, {*KEYS, SOUND, NOBODY})
    assert found is None or len(found.map) == len(found.samples)
    store.samples_with_maps(GROUP)
    store.described(GROUP)
    store.compact(GROUP)


def set_aside(store: Store) -> set[str]:
    """The names of the files that were; each was reported."""
    names = {path.name for path in (Path(store.address) / "damaged").glob("*")}
    assert all(any(name in told for told in store.damaged) for name in names)
    return names


@OFTEN
@given(tables=st.lists(TABLES | st.binary(max_size=40), min_size=1, max_size=2))
def test_any_segment_of_scores_is_read_or_set_aside(tables: list[Any]) -> None:
    with folder() as place:
        store, rows, bad = Store(place), place / "rows" / GROUP[:2] / GROUP, set()
        store.commit_rows(GROUP, [StoredValue("sound", *KEYS[0], "value", 7.0)])
        for table in tables:
            buffer = io.BytesIO(table if isinstance(table, bytes) else b"")
            if not isinstance(table, bytes):
                pq.write_table(pa.table(table), buffer)
            path = write_segment(rows, ".parquet", buffer.getvalue())
            if not isinstance(table, dict) or not {*SCHEMA.names} <= {*table}:
                bad.add(path.name)
        written = {path.name for path in rows.iterdir()}
        reads(store)
        aside = set_aside(store)
        assert bad <= aside
        assert {path.name for path in rows.iterdir()} == written - aside
        sound = store.known(GROUP, SamplePositions(KEYS))["sound"]["value"]
        assert (sound.there.tolist(), sound.values[0]) == ([True, False], 7.0)


ARRAYS = st.tuples(st.sampled_from([np.float32, np.float16, np.int8, np.float64]), st.lists(st.integers(0, 3), max_size=4)).map(
    lambda made: np.zeros(made[1], made[0])
)
TENSORS = st.dictionaries(st.sampled_from(["map", "part/a", "part/b", "expected", "x"]), ARRAYS, max_size=4)
SAMPLES = st.just(KEYS) | st.just(KEYS[:1]) | JSON


@OFTEN
@given(files=st.lists(st.tuples(TENSORS, SAMPLES) | st.binary(max_size=40), min_size=1, max_size=2))
def test_any_segment_of_maps_is_read_or_set_aside(files: list[Any]) -> None:
    with folder() as place:
        store, maps, bad = Store(place), place / "maps" / GROUP[:2] / GROUP, set()
        store.commit_maps(GROUP, StoredMaps([SOUND], np.full((1, 2, 2), 7.0, np.float32), {}))
        for file in files:
            content = file if isinstance(file, bytes) else save(file[0], metadata={"samples": json.dumps(file[1])})
            path = write_segment(maps, ".safetensors", content)
            if isinstance(file, bytes) or ("map" not in file[0] and file[1] in (KEYS, KEYS[:1])):  # of others no map is asked for
                bad.add(path.name)
        written = {path.name for path in maps.iterdir()}
        sound = store.maps(GROUP, {SOUND})
        assert sound is not None and sound.samples == [SOUND] and (sound.map == 7).all()
        reads(store)
        aside = set_aside(store)
        assert bad <= aside
        assert {path.name for path in maps.iterdir()} == written - aside


@OFTEN
@given(value=JSON, raw=st.binary(max_size=40), sealed=st.booleans())
def test_any_fact_is_read_or_set_aside(value: Any, raw: bytes, sealed: bool) -> None:
    with folder() as place:
        store, path = Store(place), place / "facts" / GROUP[:2] / f"{GROUP}.json"
        path.parent.mkdir(parents=True)
        whole = json.dumps({"checksum": checksum(json.dumps(value, sort_keys=True).encode()), "value": value}).encode()
        path.write_bytes(whole if sealed else raw)
        found = store.fact(GROUP)
        assert sealed or found is None


# data sets


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    values = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


IMAGES = {kind: encoded(kind) for kind in ("png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm")}


@OFTEN
@pytest.mark.filterwarnings("ignore")
@given(kind=st.sampled_from(sorted(IMAGES)), data=st.data())
def test_a_damaged_image_is_a_picture_or_unreadable(kind: str, data: st.DataObject) -> None:
    decoding = pytest.importorskip("harness.api.image_files.decoding")
    content = bytearray(IMAGES[kind])
    for place in data.draw(st.lists(st.integers(0, min(len(content), 80) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    with folder() as place:
        path = place / f"a.{kind}"
        path.write_bytes(content)
        for read in (decoding.decode_image, decoding.decode_mask):
            try:
                assert torch.isfinite(read(path).float()).all()
            except decoding.Unreadable as error:
                assert str(error)


def odd_folder(root: Path, *names: str) -> Path:
    """Pictures of odd names in one class; links in circles and to nowhere, and a pipe, in the other."""
    for name in ("right", "left"):
        (root / name).mkdir(parents=True)
    for name in names:
        (root / "left" / name).write_bytes(IMAGES["png"])
    (root / "right" / "good.png").write_bytes(IMAGES["png"])
    (root / "right" / "itself").symlink_to(root)
    (root / "right" / "nowhere.png").symlink_to(root / "nothing")
    os.mkfifo(root / "right" / "pipe.png")
    return root


def run(place: Path, root: Path) -> harness.RunResult:
    data = [{"use": "image-folder", "params": {"root": str(root)}}]
    return harness.run(small_spec(datasets=data, metrics=["drop"]), out=place / "out", store=place / "store", plugins=[SMALL])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_folder_of_odd_names_links_and_pipes_is_read(tmp_path: Path) -> None:
    pytest.importorskip("harness_torchvision")
    names = ["-rf.png", "é\u202e.png", "x" * 250 + ".png", " .png", "$(touch ran).png", "a|b`*_.png"]
    found = run(tmp_path, odd_folder(tmp_path / "root", *names))
    assert {state for *_, state, _ in found.failures} <= {"not-applicable"}
    assert {row["sample"] for row in found.scores.to_pylist()} == {"right/good.png", *(f"left/{name}" for name in names)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "root", "store"]


@pytest.mark.parametrize("name", ["a\x1b[31m.png", "new\nline.png", "undecodable\udcff.png"])
def test_a_name_that_a_terminal_might_obey_is_refused(tmp_path: Path, name: str) -> None:
    pytest.importorskip("harness_torchvision")
    found = run(tmp_path, odd_folder(tmp_path / "root", name))
    assert {state for *_, state, _ in found.failures} == {"blocked"}
    assert all("names with control characters, rename them: ['left/" in reason and name not in reason for *_, reason in found.failures)


CELLS = st.sampled_from(["a.png", "../a.png", "/etc/passwd", "left", "1", "", "[[0,0,1,1]]", "[[NaN]]", '"', "\0", "é", "x" * 300, "1e9"])


@OFTEN
@given(
    header=st.lists(st.sampled_from(["path", "label", "id", "mask", "boxes", "split", "é", ""]), max_size=5),
    lines=st.lists(st.lists(CELLS, max_size=5), max_size=4),
    raw=st.none() | st.binary(max_size=60),
)
def test_any_manifest_is_read_or_refused(header: list[str], lines: list[list[str]], raw: bytes | None) -> None:
    image_folder = pytest.importorskip("harness_torchvision.image_folder").image_folder
    with folder() as place:
        (place / "a.png").write_bytes(IMAGES["png"])
        text = "\n".join(",".join(line) for line in [["path", "label", *header], *lines])
        (place / "list.csv").write_bytes(text.encode() if raw is None else raw)
        try:
            data = image_folder(root=place, manifest=Path("list.csv"))
            assert all(data[index].image.ndim == 3 for index in range(len(data)))
        except ValueError as error:
            assert str(error)


# checkpoints


class Payload:
    """Runs something when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch ran",))


def saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


STATE = {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(2)}
CHECKPOINTS = [saved(STATE), saved({"state_dict": STATE}), saved({"a": Payload()}), saved([Payload()])]


@OFTEN
@given(content=st.sampled_from(CHECKPOINTS), data=st.data(), suffix=st.sampled_from([".pt", ".safetensors", ".ckpt"]))
def test_a_damaged_checkpoint_is_a_state_dict_or_refused(content: bytes, data: st.DataObject, suffix: str) -> None:
    read = pytest.importorskip("harness_torchvision.checkpoints").read_checkpoint
    damaged = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(1, len(damaged))) :]
    before = Path.cwd()
    with folder() as place:
        os.chdir(place)
        try:
            path = place / f"x{suffix}"
            path.write_bytes(damaged)
            try:
                assert all(isinstance(value, torch.Tensor) for value in read(path).values())
            except ValueError as error:
                assert str(path) in str(error)
            assert not (place / "ran").exists()
        finally:
            os.chdir(before)


def test_a_zip_that_leads_out_is_not_unpacked(tmp_path: Path) -> None:
    read = pytest.importorskip("harness_torchvision.checkpoints").read_checkpoint
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as file:
        file.writestr("../../escaped", "x")
    with pytest.raises(ValueError, match="no checkpoint"):
        read(tmp_path / "x.pt")
    assert not (tmp_path.parent.parent / "escaped").exists()
