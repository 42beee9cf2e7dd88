import dataclasses
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import ExplanationSettings, Results
from harness.results.run_folder import RunFolderError, read_folder_leaderboard, read_results
from tests.support.synthetic_results import leaderboard_group, leaderboard_results, write_run


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "first"
    write_run(folder, leaderboard_results(groups=[leaderboard_group(), leaderboard_group(seed=1, model="other")]))
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "run"))


def assert_same(first: Results, second: Results) -> None:
    for one, two in zip(first.groups, second.groups, strict=True):
        names = ("dataset", "model", "samples", "digests", "accuracy", "explainers", "metrics", "recipes", "costs")
        for name in (*names, "replicate_of", "explained"):
            assert getattr(one, name) == getattr(two, name)
        assert np.array_equal(one.correct, two.correct)
        assert one.cells.keys() == two.cells.keys()
        for pair, cell in one.cells.items():
            other = two.cells[pair]
            assert (cell.status, cell.reason, cell.key) == (other.status, other.reason, other.key)
            assert np.array_equal(cell.computed, other.computed)
            assert np.array_equal(cell.values[cell.computed], other.values[other.computed], equal_nan=True)
        for label, notes in one.notes.items():
            noted = two.notes[label]
            assert notes.completeness is None or np.array_equal(notes.completeness, noted.completeness)
            assert (notes.zero_maps, notes.broken, notes.warnings) == (
                noted.zero_maps,
                noted.broken,
                noted.warnings,
            )
    for name in ("provenance", "reference", "nulls", "samples_rule", "confidence", "bootstrap", "seed"):
        assert getattr(first, name) == getattr(second, name)


def test_what_is_written_is_read_back(written: Path) -> None:
    results = leaderboard_results(groups=[leaderboard_group(), leaderboard_group(seed=1, model="other")])
    assert_same(results, read_results(written))
    assert build_leaderboard(read_results(written)) == read_folder_leaderboard(written) == build_leaderboard(results)


def test_a_leaderboard_of_an_older_schema_is_made_anew_of_the_folder(tmp_path: Path) -> None:
    """And results that know no correction have the default."""
    wanted = write_run(tmp_path, leaderboard_results())
    path = tmp_path / "leaderboard.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": "1.2"}))
    with pytest.raises(RunFolderError, match=r"leaderboard\.json: .*schema 1\.2.*`harness leaderboard RUN_FOLDER --format json`"):
        read_folder_leaderboard(tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results.pop("correction") == "fdr"
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert build_leaderboard(read_results(tmp_path)) == wanted


def test_what_was_explained_is_read_back_and_unknown_where_an_older_run_does_not_say(tmp_path: Path) -> None:
    for target in ("label", 3):
        explained = ExplanationSettings(target=target, seed=2**62, precision="tf32", dtype="float16")
        group = leaderboard_group()
        pair = next(iter(group.cells))
        group.cells[pair] = dataclasses.replace(group.cells[pair], key="c0ffee")
        results = leaderboard_results(groups=[dataclasses.replace(group, explained=explained, replicate_of="net 1")])
        write_run(tmp_path, results)
        assert_same(results, read_results(tmp_path))
    groups = json.loads((tmp_path / "results.json").read_text())["groups"]
    del groups[0]["explained"]
    for cell in groups[0]["cells"]:
        del cell["key"]
    edit(tmp_path, groups=groups)
    old = read_results(tmp_path).groups[0]
    assert old.explained == ExplanationSettings()
    assert {cell.key for cell in old.cells.values()} == {""}


def test_nothing_is_left_beside_the_files(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == ["leaderboard.json", "results.json", "scores.parquet"]


def test_a_failed_write_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def broken(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("harness.results.run_folder.write_scores", lambda path, results: (path.write_bytes(b"half"), broken()))
    with pytest.raises(OSError, match="no space"):
        write_run(folder, leaderboard_results())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_scores_are_a_long_table_with_their_recipe(written: Path) -> None:
    table = pq.read_table(written / "scores.parquet")
    assert table.column_names == ["dataset", "model", "explainer", "metric", "sample", "digest", "value", "counts"]
    recipe = json.loads(table.schema.metadata[b"harness.recipe"])
    assert recipe["groups"][0]["explainers"]["SHAP"]["component"] == "shap-gradient"
    assert recipe["groups"][0]["recipes"]["model"]["digest"] == "digest-lesions-vgg"
    frame = table.to_pandas()
    chosen = frame[(frame.model == "lesions-vgg") & (frame.explainer == "lrp") & (frame.metric == "pointing-game")]
    assert len(chosen) == 52
    assert chosen.value.isna().sum() == 3
    assert not ((frame.model == "lesions-vgg") & (frame.explainer == "SHAP") & (frame.metric == "road")).any()


def rewrite(folder: Path, change: object, resum: bool = True) -> None:
    """Change the table of scores, and the checksum with it."""
    table = change(pq.read_table(folder / "scores.parquet"))  # type: ignore[operator]
    pq.write_table(table, folder / "scores.parquet")
    if resum:
        edit(folder, scores_sha256=hashlib.sha256((folder / "scores.parquet").read_bytes()).hexdigest())


def edit(folder: Path, **fields: object) -> None:
    results = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(json.dumps(results | fields))


def replaced(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


TAMPERED = {
    "other samples": (lambda t: replaced(t, "sample", pa.array(["who"] * t.num_rows)), "sample 'who'"),
    "other content": (lambda t: replaced(t, "digest", pa.array(["0"] * t.num_rows)), "other content"),
    "twice": (lambda t: pa.concat_tables([t.slice(0, 60), t.slice(0, 60)]), "two scores of one sample"),
    "more than there is room for": (lambda t: pa.concat_tables([t, t, t]), "room for"),
    "another explainer": (lambda t: replaced(t, "explainer", pa.array(["x"] * t.num_rows)), "does not have"),
    "no values": (lambda t: t.drop_columns(["value"]), "no column 'value'"),
    "text for values": (lambda t: replaced(t, "value", pa.array(["1"] * t.num_rows)), "of type string"),
    "gaps": (lambda t: replaced(t, "metric", pa.array([None] * t.num_rows, pa.string())), "has gaps"),
    "null scores": (lambda t: replaced(t, "value", pa.array([None] * t.num_rows, pa.float64())), "null"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tables_that_contradict_the_results_are_refused(folder: Path, name: str) -> None:
    change, message = TAMPERED[name]
    rewrite(folder, change)
    with pytest.raises(RunFolderError, match=message):
        read_results(folder)


def test_plain_text_columns_are_as_good_as_encoded_ones(folder: Path) -> None:
    before = read_results(folder)
    rewrite(folder, lambda t: t.cast(pa.schema([(n, pa.string() if n != "value" else pa.float64()) for n in t.column_names])))
    assert_same(before, read_results(folder))


def test_the_order_of_scores_does_not_matter(folder: Path) -> None:
    before = read_results(folder)
    rewrite(folder, lambda t: t.take(np.random.default_rng(0).permutation(t.num_rows)))
    assert_same(before, read_results(folder))


def test_a_table_of_another_run_is_refused(folder: Path) -> None:
    rewrite(folder, lambda t: t.slice(0, 10), resum=False)
    with pytest.raises(RunFolderError, match="checksum"):
        read_results(folder)


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no such run folder"):
        read_results(tmp_path / "nowhere")
    with pytest.raises(RunFolderError, match="not a run folder"):
        read_results(folder / "results.json")
    with pytest.raises(RunFolderError, match="no such run folder"):
        read_results("a\0b")
    for name in ("scores.parquet", "results.json"):
        (folder / name).unlink()
        with pytest.raises(RunFolderError, match=f"no {name}"):
            read_results(folder)
    (folder / "leaderboard.json").unlink()
    with pytest.raises(RunFolderError, match=r"no leaderboard\.json"):
        read_folder_leaderboard(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_the_folder_does_not_hang(folder: Path) -> None:
    (folder / "results.json").unlink()
    os.mkfifo(folder / "results.json")
    with pytest.raises(RunFolderError, match=r"no results\.json"):
        read_results(folder)


BAD_FIELDS = [
    ({"schema_version": "3.0"}, "upgrade"),
    ({"schema_version": None}, "schema_version"),
    ({"confidence": 2}, "confidence"),
    ({"confidence": float("nan")}, "confidence"),
    ({"bootstrap": 10**12}, "bootstrap"),
    ({"groups": 3}, "groups"),
    ({"samples_rule": "some"}, "samples_rule"),
    ({"reference": "a\x1b[31mb"}, "control characters"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS, ids=[str(fields) for fields, _ in BAD_FIELDS])
def test_results_that_cannot_be_are_refused(folder: Path, fields: dict[str, object], message: str) -> None:
    edit(folder, **fields)
    with pytest.raises(RunFolderError, match=message):
        read_results(folder)


def test_groups_that_contradict_themselves_are_refused(folder: Path) -> None:
    groups = json.loads((folder / "results.json").read_text())["groups"]
    for change, message in [
        ({"samples": groups[0]["samples"][:-1]}, "51 samples"),
        ({"samples": ["same"] * 52}, "occurs twice"),
        ({"cells": groups[0]["cells"] * 2}, "occurs twice"),
        ({"cells": [{"explainer": "x", "metric": "y", "status": "ok"}]}, "no such explainer"),
        ({"notes": {"lrp": {"completeness": [0.5]}}}, "1 completeness errors for 52 samples"),
    ]:
        edit(folder, groups=[groups[0] | change])
        with pytest.raises(RunFolderError, match=message):
            read_results(folder)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["results.json", "scores.parquet", "leaderboard.json"]), st.data())
def test_damage_ends_in_an_error_or_in_results_and_never_in_anything_else(folder: Path, name: str, data: st.DataObject) -> None:
    path = folder / name
    good = path.read_bytes()
    try:
        place = data.draw(st.integers(0, len(good) - 1))
        kind = data.draw(st.sampled_from(["cut", "flip", "fill"]))
        bad = {
            "cut": good[:place],
            "flip": good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :],
            "fill": os.urandom(place % 999),
        }[kind]
        path.write_bytes(bad)
        for read in (read_results, read_folder_leaderboard):
            try:
                read(folder)
            except RunFolderError as error:
                assert str(folder) in str(error)
                assert "\n" not in str(error)
        if name == "scores.parquet" and bad != good:
            with pytest.raises(RunFolderError):
                read_results(folder)
    finally:
        path.write_bytes(good)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=40))
def test_a_damaged_table_that_hides_its_damage_is_refused_or_read(folder: Path, start: int, damage: bytes) -> None:
    """The checksum is right, the bytes are not: what the Parquet reader makes of them must still end well."""
    scores, results = folder / "scores.parquet", folder / "results.json"
    good, text = scores.read_bytes(), results.read_bytes()
    try:
        start %= len(good)
        bad = good[:start] + damage + good[start + len(damage) :]
        scores.write_bytes(bad)
        edit(folder, scores_sha256=hashlib.sha256(bad).hexdigest())
        try:
            read_results(folder)
        except RunFolderError as error:
            assert str(scores) in str(error)
    finally:
        scores.write_bytes(good)
        results.write_bytes(text)


@pytest.mark.parametrize("name", [b"digest", b"value"])
def test_a_table_whose_names_are_damaged_is_refused_or_read(folder: Path, name: bytes) -> None:
    """One of them is Parquet's name of the column; those in the recipe say nothing to who reads scores."""
    scores, refused = folder / "scores.parquet", 0
    good = scores.read_bytes()
    for found in re.finditer(name, good):
        bad = good[: found.start()] + name[:-1] + b"X" + good[found.end() :]
        scores.write_bytes(bad)
        edit(folder, scores_sha256=hashlib.sha256(bad).hexdigest())
        try:
            read_results(folder)
        except RunFolderError as error:
            refused += 1
            assert str(scores) in str(error)
    assert refused > 0
