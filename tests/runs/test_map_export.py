import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import harness
from harness.leaderboard.selection import Selection, SelectionError
from harness.results.run_folder import RunFolderError, read_results
from harness.runs.file_names import file_names
from harness.runs.map_export import export_maps
from harness.user_errors import UserError
from tests.support.small import Squares
from tests.support.spec import SMALL, small_spec


def test_maps_are_exported_as_they_were_made_and_as_overlays(tmp_path: Path) -> None:
    spec = small_spec(explainers=["slope", "both"], metrics=["inside"])
    harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL])
    lines = export_maps(tmp_path / "out", tmp_path / "maps", plugins=[SMALL])
    listed = {tmp_path / "maps" / line[file] for line in lines for file in ("map", "picture")}
    files = {path for path in (tmp_path / "maps").rglob("*") if path.is_file()}
    assert {path for path in files if path.name not in ("recipe.json", "index.csv", "index.json")} == listed
    folder = tmp_path / "maps" / "squares" / "pools"
    total, parts = np.load(folder / "both" / "000003-square-3.npy"), ["first", "second"]
    np.testing.assert_allclose(total, sum(np.load(folder / "both" / f"000003-square-3.{part}.npy") for part in parts), rtol=1e-6)
    with Image.open(folder / "slope" / "000003-square-3.png") as picture:
        assert picture.size == (12, 12)
        pixels = np.asarray(picture.convert("RGB"), dtype=int)
    grey = np.ptp(pixels, axis=2)
    assert grey[4:8, 7:11].mean() > grey[4:8, 1:5].mean()  # colour where the square is, which the model looks at


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is it a run folder"):
        export_maps(tmp_path, tmp_path / "maps")


def test_maps_over_the_images_of_an_object_cannot_be_exported_elsewhere(tmp_path: Path) -> None:
    spec = small_spec(datasets=[{"use": Squares(4, 0), "label": "mine"}], explainers=["slope"], metrics=["inside"])
    harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL])
    with pytest.raises(UserError, match="the dataset mine was an object in Python, which cannot be made again here: --scores alone"):
        export_maps(tmp_path / "out", tmp_path / "maps", plugins=[SMALL])


def test_a_run_without_maps_says_so(tmp_path: Path) -> None:
    spec = small_spec(explainers=["slope"], metrics=["inside"], store={"attributions": "none"})
    harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL])
    with pytest.raises(UserError, match="attributions: none"):
        export_maps(tmp_path / "out", tmp_path / "maps")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    spec = small_spec(explainers=[{"use": "slope", "label": "a/b"}, {"use": "slope", "params": {"pause": 1e-9}, "label": "a:b"}])
    harness.run({**spec, "metrics": ["inside"]}, out=folder / "out", store=folder / "store", plugins=[SMALL])
    return folder / "out"


def forged(finished: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of the run folder whose columns are changed."""
    copy = shutil.copytree(finished, folder / "copy")
    found = json.loads((copy / "columns.json").read_text())
    change(found)
    (copy / "columns.json").write_text(json.dumps(found))
    return copy


def test_no_file_that_a_run_folder_names_is_executed(finished: Path, tmp_path: Path) -> None:
    evil = tmp_path / "small.py"
    evil.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n" + SMALL.read_text())
    run = forged(finished, tmp_path, lambda found: found.update(plugins=[str(evil)]))
    with pytest.raises(UserError, match=r"--plugin .*small\.py"):
        export_maps(run, tmp_path / "maps")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "maps").exists()


def test_no_folder_becomes_a_store(finished: Path, tmp_path: Path) -> None:
    run = forged(finished, tmp_path, lambda found: found.update(store=str(tmp_path / "new")))
    with pytest.raises(UserError, match="not a store"):
        export_maps(run, tmp_path / "maps", plugins=[SMALL])
    assert not (tmp_path / "new").exists()


def test_labels_that_differ_only_in_unsafe_characters_have_folders_of_their_own(finished: Path, tmp_path: Path) -> None:
    export_maps(finished, tmp_path / "maps", plugins=[SMALL])
    recipes = {path.parent.name: json.loads(path.read_text())["label"] for path in (tmp_path / "maps").rglob("recipe.json")}
    assert (recipes["a-b"], recipes["a-b-2"]) == ("a/b", "a:b")
    export_maps(finished, tmp_path / "one", plugins=[SMALL], chosen=Selection(explainers=["a:b"]))
    assert [path.parent.name for path in (tmp_path / "one").rglob("recipe.json")] == ["a-b-2"], "a name does not depend on what is chosen"


def written(value: object) -> str:
    """As it stands in a CSV."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_the_index_says_what_each_file_is_of(finished: Path, tmp_path: Path) -> None:
    export_maps(finished, tmp_path / "maps", plugins=[SMALL])
    rows = json.loads((tmp_path / "maps" / "index.json").read_text())
    with (tmp_path / "maps" / "index.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    results = read_results(finished).groups[0]
    right = dict(zip(results.samples, results.correct.tolist(), strict=True))
    assert {row["explainer"] for row in rows} == set(results.explainer_labels) and {row["sample"] for row in rows} == set(right)
    for row, line in zip(rows, table, strict=True):
        assert (tmp_path / "maps" / row["map"]).is_file() and (tmp_path / "maps" / row["picture"]).is_file()
        assert line == {name: written(value) for name, value in row.items()}
        assert row["correct"] == right[row["sample"]] == (row["label"] == row["prediction"])
        assert row["sample"] == f"square-{row['position']}"


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({"samples": ["square-1", "square-3"]}, 3 * 2),
        ({"samples": ["square-?"], "explainers": ["a/*"]}, None),
        ({"explainers": ["a/b"], "samples": ["square-0"]}, 1),
    ],
)
def test_some_of_a_run_is_exported(finished: Path, tmp_path: Path, chosen: dict[str, list[str]], count: int | None) -> None:
    lines = export_maps(finished, tmp_path / "maps", plugins=[SMALL], chosen=Selection(**chosen))
    assert count is None or len(lines) == count
    everything = read_results(finished)
    scores = Selection(**chosen).of(everything)
    assert {line["explainer"] for line in lines} == set(scores.groups[0].explainer_labels)
    assert {line["sample"] for line in lines} == set(scores.groups[0].samples)
    for pair, cell in scores.groups[0].cells.items():
        whole = dict(zip(everything.groups[0].samples, everything.groups[0].cells[pair].values, strict=True))
        assert cell.values.tolist() == [whole[sample] for sample in scores.groups[0].samples]


def test_a_name_that_nothing_has_is_refused_with_those_there_are(finished: Path, tmp_path: Path) -> None:
    wrong = {
        "no explainer 'grad-cam' here: there are a/b, a:b": Selection(explainers=["grad-cam"]),
        "no sample 'x": Selection(samples=["square-1", "x*"]),
    }
    for said, chosen in wrong.items():
        with pytest.raises(SelectionError, match=said):
            export_maps(finished, tmp_path / "maps", plugins=[SMALL], chosen=chosen)
        with pytest.raises(SelectionError, match=said):
            chosen.of(read_results(finished))
    assert not (tmp_path / "maps").exists()


def test_file_names_are_readable_and_differ_on_every_file_system() -> None:
    names = ["a/b", "a:b", "a-b", "A-B", "CON", "nul.txt", "Müller", "日本", "../..", "x" * 300, "x" * 301, "end.", "  ", "a-b-2"]
    found = file_names(names, "explainer")
    assert set(found) == set(names)
    assert found["a-b"] == "a-b" and found["a-b-2"] == "a-b-2", "what is readable stays"
    assert len({name.lower() for name in found.values()}) == len(names)
    for name in found.values():
        assert re.fullmatch(r"[A-Za-z0-9._+-]{1,64}", name) and name.strip(".-") == name
        assert name.lower().split(".")[0] not in ("con", "nul")
    assert (found["Müller"], found["日本"]) == ("Muller", "explainer")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("key", "../../../etc"),
        ("key", "A" * 64),
        ("scores", {"inside": "x"}),
        ("rows", [[-1, "square-0", "d"]]),
        ("dataset_recipe", {}),
        ("dataset_recipe", {"params": {}}),
        ("dataset_recipe", {"params": [1]}),
        ("model_recipe", {"params": {}, "no": 1}),
    ],
)
def test_columns_that_are_none_are_refused(finished: Path, tmp_path: Path, key: str, value: Any) -> None:
    run = forged(finished, tmp_path, lambda found: [column.update({key: value}) for column in found["columns"]] and None)
    with pytest.raises((UserError, RunFolderError)):
        export_maps(run, tmp_path / "maps", plugins=[SMALL])


def test_recipes_are_of_their_kind_and_have_their_parameters(finished: Path, tmp_path: Path) -> None:
    def swap(found: dict[str, Any]) -> None:
        for column in found["columns"]:
            column["dataset_recipe"] = column["recipe"]

    def refuse(found: dict[str, Any]) -> None:
        for column in found["columns"]:
            column["model_recipe"]["params"]["scale"] = "much"

    for number, change in enumerate([swap, refuse]):
        with pytest.raises(UserError):
            export_maps(forged(finished, tmp_path / str(number), change), tmp_path / "maps", plugins=[SMALL])


def test_positions_are_those_of_the_samples(finished: Path, tmp_path: Path) -> None:
    def moved(by: int) -> Callable[[dict[str, Any]], None]:
        def change(found: dict[str, Any]) -> None:
            for column in found["columns"]:
                column["rows"] = [[position + by, *rest] for position, *rest in column["rows"]]

        return change

    for by, said in ((1, "is not what it was"), (100, "there is no number")):
        with pytest.raises(UserError, match=said):
            export_maps(forged(finished, tmp_path / str(by), moved(by)), tmp_path / "maps", plugins=[SMALL])
