"""Manifests as spreadsheets and data frames write them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from harness_torchvision.image_folder import image_folder
from harness_torchvision.labels import index_of
from harness_torchvision.manifest import ManifestError
from PIL import Image

from harness.api.image_files.dataset import ImageFiles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "cat").mkdir()
    for name in "abc":
        Image.new("RGB", (4, 3), name.replace("a", "red").replace("b", "blue").replace("c", "green")).save(tmp_path / "cat" / f"{name}.png")
    return tmp_path


def listed(root: Path, text: str | bytes, **options: object) -> ImageFiles:
    (root / "list.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return image_folder(root=root, manifest=Path("list.csv"), **options)


def labels(data: ImageFiles) -> list[int]:
    return [data[i].label for i in range(len(data))]


@pytest.mark.parametrize("written", ["10", "10.0", "1e1", " 10 ", "10.", "+10", "1E+01", '"10"', "010"])
def test_a_number_is_a_class_however_it_is_written(root: Path, written: str) -> None:
    data = listed(root, f"path,label\ncat/a.png,{written}\ncat/b.png,2")
    assert data.class_names is None and labels(data) == [10, 2]
    assert bool(data.notes) == (not written.strip(' "').isdecimal())


def test_an_index_is_what_the_number_is() -> None:
    assert [index_of(text) for text in ("0", "0.0", "7.", "1.2e1", ".5e1", "-0")] == [0, 0, 7, 12, 5, 0]
    for wrong in ("1.5", "-1", "1e300", "x", "1_0", "inf"):
        with pytest.raises(ValueError, match="label"):
            index_of(wrong)


def test_everything_that_is_wrong_is_said_at_once_with_its_line(root: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        listed(
            root,
            "path,label\ncat/a.png,-1\ncat/b.png,\ncat/c.png,nan\ncat/a.png,0.5\n,1\n../x.png,1\ncat/b.png,2,3\ncat/b.png,1\ncat/z,1\n",
        )
    said = [line.partition("list.csv:")[2] for line in str(caught.value).splitlines()]
    assert said == [
        "2: the label -1 is negative: classes count from 0",
        "3: no label",
        "4: no label (it is 'nan')",
        "5: the id 'cat/a.png' is used twice (also in line 2)",
        "5: the label 0.5 is no whole number of a class",
        "6: no path",
        f"7: the path '../x.png' leads out of {root}",
        "8: more values than columns",
        "8: the id 'cat/b.png' is used twice (also in line 3)",
        "9: the id 'cat/b.png' is used twice (also in line 3)",
        "10: cat/z: there is no such file",
    ]


@pytest.mark.parametrize("missing", ["", "NaN", "<NA>", "None", "null"])
def test_a_label_that_is_missing_among_numbers_is_an_error(root: Path, missing: str) -> None:
    with pytest.raises(ManifestError, match=r"^[^\n]*list\.csv:3: no label[^\n]*$"):
        listed(root, f"path,label\ncat/a.png,1.0\ncat/b.png,{missing}")


def test_words_among_numbers_are_noted_with_their_line(root: Path) -> None:
    data = listed(root, "path,label\ncat/a.png,1\ncat/b.png,2\ncat/c.png,other")
    assert data.class_names == ["1", "2", "other"]
    assert any("taken as names" in note and "'other' in line 4" in note for note in data.notes)


@pytest.mark.parametrize(
    "text",
    [
        "path\tlabel\ncat/a.png\tx y\ncat/b.png\tz",
        "path;label\ncat/a.png;x y\ncat/b.png;z",
        "label|path\nx y|cat/a.png\nz|cat/b.png",
        '"Path", "Label"\n"cat/a.png", "x y"\n"cat/b.png", "z"',
        ",path,label\n0,cat/a.png,x y\n1,cat/b.png,z\n",
        "path,label\r\ncat/a.png, x y \r\n\r\ncat/b.png,z\r\n,\r\n",
        "\ufeffpath,label\ncat/a.png,x y\ncat/b.png,z",
        "path,label\ncat\\a.png,x y\n.\\cat\\b.png,z",
        "path,label\n./cat/a.png,x y\ncat//b.png,z",
    ],
)
@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_separators_marks_and_paths_of_all_systems(root: Path, text: str, coding: str) -> None:
    data = listed(root, text.encode(coding))
    assert data.class_names == ["x y", "z"] and labels(data) == [0, 1]
    assert [data[i].id for i in range(2)] == ["cat/a.png", "cat/b.png"] and data.notes == []


def test_absolute_paths_below_the_root_are_below_the_root(root: Path) -> None:
    assert listed(root, f"path,label\n{root}/cat/a.png,x").entries[0].id == "cat/a.png"
    for wrong in ("/etc/passwd", "C:\\data\\cat\\a.png"):
        with pytest.raises(ManifestError, match=r"leads out of .*: paths are relative to that folder"):
            listed(root, f"path,label\n{wrong},x")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_paths_and_labels_in_either_normal_form(root: Path, form: str) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    (root / unicodedata.normalize(form, "Tür")).mkdir()
    Image.new("L", (4, 3)).save(root / unicodedata.normalize(form, "Tür") / unicodedata.normalize(form, "é.png"))
    path = unicodedata.normalize(other, "Tür/é.png")
    data = listed(root, f"path,label,mask\n{path},{unicodedata.normalize('NFD', 'ß é')},{path}")
    assert data.class_names == [unicodedata.normalize("NFC", "ß é")]
    assert data[0].id == unicodedata.normalize("NFC", "Tür/é.png") and data[0].mask is not None


def test_files_that_are_missing_are_all_named_with_their_lines_and_what_is_there(root: Path) -> None:
    (root / "cat" / "D.JPG").write_bytes((root / "cat" / "a.png").read_bytes())
    with pytest.raises(ValueError, match="3 images cannot be read") as caught:
        listed(root, f"path,label\ncat/a.png,x\ncat/a,x\ncat/d.jpg,x\n{root.name}/cat/b.png,x")
    told = str(caught.value).splitlines()[1:]
    assert [line.partition("list.csv:")[2] for line in told] == [
        "3: cat/a: there is no such file; there is 'cat/a.png'",
        "4: cat/d.jpg: there is no such file; there is 'cat/D.JPG'",
        f"5: {root.name}/cat/b.png: there is no such file; there is 'cat/b.png' (paths are relative to {root})",
    ]
    skipped = listed(root, "path,label\ncat/a.png,x\ncat/none.png,x", unreadable="skip")
    assert skipped.notes == ["skipped cat/none.png: there is no such file"]


def test_a_mask_that_is_missing_is_named_with_what_is_there(root: Path) -> None:
    with pytest.raises(ManifestError, match=r"list\.csv:2: there is no mask 'cat/b'; there is 'cat/b\.png'"):
        listed(root, "path,label,mask\ncat/a.png,x,cat/b")
    assert listed(root, "path,label,mask\ncat/a.png,x,nan")[0].mask is None


def test_a_manifest_that_is_not_utf8_says_so(root: Path) -> None:
    with pytest.raises(ManifestError, match=r"list\.csv: cannot be read as CSV: .*save it as UTF-8"):
        listed(root, "path,label\ncat/a.png,é".encode("latin-1"))
