"""The folder of every data set: found as it is unpacked, refused with what is missing, its damaged files named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_published_data.brain_tumour_mri import brain_tumour_mri
from harness_published_data.cheng_tumours import cheng_tumours
from harness_published_data.chest_xray import chest_xray
from harness_published_data.clevr_xai import clevr_xai
from harness_published_data.cub import cub
from harness_published_data.funnybirds import funnybirds
from harness_published_data.ham10000 import ham10000
from harness_published_data.imagenet_val import imagenet_val
from harness_published_data.nih_chest_xray import nih_chest_xray
from harness_published_data.pascal_voc import pascal_voc

from harness.api.image_files.dataset import ImageFiles
from tests.support.published_trees import BUILDERS

READERS: dict[str, Callable[..., ImageFiles]] = {
    "brain-tumour-mri": brain_tumour_mri,
    "cheng-tumours": cheng_tumours,
    "chest-xray": chest_xray,
    "ham10000": ham10000,
    "clevr-xai": clevr_xai,
    "cub": cub,
    "funnybirds": funnybirds,
    "imagenet-val": imagenet_val,
    "pascal-voc": pascal_voc,
    "nih-chest-xray": nih_chest_xray,
}
NAMES = sorted(READERS)
MASKS = {"HAM10000_segmentations_lesion_tschandl", "SegmentationClass", "segmentations", "train_part_map", "test_part_map"}
OPTIONAL = MASKS | {"test_interventions", "images_001"}  # the latter has no image of the split that is read


def read(name: str, root: Path, **params: object) -> ImageFiles:
    return READERS[name](root=root, **params)


def test_all_layouts_are_tried() -> None:
    assert set(READERS) == set(BUILDERS)


@pytest.fixture
def build(tmp_path: Path) -> Callable[[str], Path]:
    def built(name: str) -> Path:
        if name == "cheng-tumours":
            pytest.importorskip("h5py")
        BUILDERS[name](tmp_path / "unpacked" / "archive")
        return tmp_path / "unpacked" / "archive"

    return built


def ids(data: ImageFiles) -> list[str]:
    return [data[i].id for i in range(len(data))]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_found_one_level_above_and_one_below(name: str, build: Callable[[str], Path]) -> None:
    root = build(name)
    (root.parent / "__MACOSX").mkdir()
    shutil.copytree(root, root.parent / "__MACOSX" / "archive")
    expected = ids(read(name, root))
    inside = min(child for child in root.iterdir() if child.is_dir())
    assert expected and ids(read(name, root.parent)) == expected and ids(read(name, inside)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_two_copies_are_not_chosen_between(name: str, build: Callable[[str], Path]) -> None:
    root = build(name)
    shutil.copytree(root, root.with_name("again"))
    with pytest.raises(ValueError, match=r"holds .* more than once: choose one of .*again, .*archive|choose one of .*again"):
        read(name, root.parent)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_told_with_the_layout(name: str, build: Callable[[str], Path]) -> None:
    root = build(name)
    for part in sorted(root.iterdir()):
        if part.name in OPTIONAL:
            continue
        part.rename(root.parent / "aside")
        with pytest.raises(ValueError, match=r"^root: .*(it has no |are nowhere below )") as error:
            read(name, root)
        lines = str(error.value).splitlines()
        assert lines[0].endswith(";"), "both can be read as one line"
        assert lines[1].startswith("expected, as ") and len(lines) > 3 and (part.name[:4] in lines[0] or "nowhere" in lines[0])
        (root.parent / "aside").rename(part)
    assert len(read(name, root)) > 0
    with pytest.raises(ValueError, match=r"^root: there is no folder"):
        read(name, root / "nowhere")


@pytest.mark.parametrize("name", NAMES)
def test_texts_of_other_systems_are_read_alike(name: str, build: Callable[[str], Path]) -> None:
    """With a byte order mark and both characters that end a line; among folders and links that mean nothing."""
    root = build(name)
    expected = ids(read(name, root))
    for path in root.rglob("*"):
        if path.suffix in (".txt", ".csv", ".json", ".xml"):
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    (root / "a folder of mine, ü").mkdir()
    (root / "a folder of mine, ü" / "around").symlink_to(root)
    (root / "away.jpg").symlink_to(root / "nowhere.jpg")
    assert ids(read(name, root)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_more_samples_include_the_fewer_and_classes_take_turns(name: str, build: Callable[[str], Path]) -> None:
    root = build(name)
    some = read(name, root, samples=3)
    assert ids(some) == ids(read(name, root, samples=4))[:3]
    everything = read(name, root)
    present = len({everything[i].label for i in range(len(everything))})
    assert len({some[i].label for i in range(len(some))}) == min(3, present)
    assert set(ids(some)) <= set(ids(everything))


@pytest.mark.parametrize("name", NAMES)
def test_damaged_images_are_named_or_skipped(name: str, build: Callable[[str], Path]) -> None:
    root = build(name)
    data = read(name, root)
    victim = data.entries[0]
    victim.path.write_bytes(victim.path.read_bytes()[:40])
    with pytest.raises(ValueError, match="cannot be read") as error:
        read(name, root)
    assert f"{victim.id}: " in str(error.value)
    rest = read(name, root, unreadable="skip")
    assert ids(rest) == [entry.id for entry in data.entries if entry.path != victim.path]
    assert any(victim.id in note for note in rest.notes)
