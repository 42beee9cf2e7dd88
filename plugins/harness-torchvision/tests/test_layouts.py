"""Folders and masks as people have them: found, or refused with what was looked for."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness_torchvision.image_folder import image_folder
from PIL import Image

from harness.api.image_files.dataset import ImageFiles

MASK = np.zeros((6, 8), dtype=np.uint8)
MASK[1:3, 2:5] = 255


def put(path: Path, values: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 8, 3), 100, dtype=np.uint8) if values is None else values).save(path)
    return path


def pixels(data: ImageFiles) -> dict[str, int | None]:
    """How many pixels the mask of each sample has."""
    masks = {data[i].id: data[i].mask for i in range(len(data))}
    return {name: None if mask is None else int(mask.sum()) for name, mask in masks.items()}


def noted(data: ImageFiles, *words: str) -> bool:
    return any(all(word in note for word in words) for note in data.notes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("cat/a", "cat/b", "dog/c"):
        put(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize(
    "place",
    ["masks/cat/a.png", "masks/cat/a_mask.png", "masks/cat/a-Mask.gif", "masks/cat/a_segmentation.bmp", "masks/cat/a.png.png",
     "masks/a.png", "masks/a_mask.png", "cat/a_mask.png", "cat/masks/a.png", "cat/masks/a_mask.png"],
)  # fmt: skip
def test_common_layouts_of_masks(root: Path, place: str) -> None:
    put(root / place, MASK)
    data = image_folder(root=root)
    assert pixels(data) == {"cat/a.png": 6, "cat/b.png": None, "dog/c.png": None} and data.class_names == ["cat", "dog"]
    assert noted(data, "1 of 3 images have a mask", "cat/b.png")
    if place.startswith("cat"):
        assert noted(data, "1 images are taken as masks", place)


def test_images_and_masks_in_folders_of_each_class(root: Path) -> None:
    put(root / "cat" / "images" / "x.png"), put(root / "cat" / "masks" / "x.png", MASK), put(root / "cat" / "masks" / "y.png", MASK)
    data = image_folder(root=root)
    assert pixels(data)["cat/images/x.png"] == 6 and len(data) == 4
    assert noted(data, "passed over", "cat/masks/y.png")


def test_several_masks_of_an_image_are_one(root: Path) -> None:
    other = np.zeros_like(MASK)
    other[5, :3] = 1
    put(root / "cat" / "a_mask.png", MASK), put(root / "cat" / "a_mask_1.png", other)
    assert pixels(image_folder(root=root))["cat/a.png"] == 9


def test_a_mask_by_the_name_of_its_image_goes_before_those_that_only_begin_with_it(root: Path) -> None:
    other = np.zeros_like(MASK)
    other[5, :3] = 1
    put(root / "masks" / "cat" / "a.png", MASK), put(root / "masks" / "cat" / "a_label.png", other)
    assert pixels(image_folder(root=root))["cat/a.png"] == 6


def test_a_name_like_a_mask_s_is_an_image_where_it_stands_alone(root: Path) -> None:
    put(root / "dog" / "with_mask.png"), put(root / "dog" / "2_mask.png")
    assert len(image_folder(root=root)) == 5


@pytest.mark.parametrize("given", [None, "masks"])
@pytest.mark.parametrize("name", ["masks/cat/z.png", "masks/z.png", "masks/feline/a.png", "masks/a_outline.png"])
def test_masks_that_belong_to_no_image_are_an_error_that_shows_what_was_looked_for(root: Path, name: str, given: str | None) -> None:
    put(root / name, MASK)
    with pytest.raises(ValueError, match=r"none of the 1 masks in .*masks \(.*\.png\) belongs .*mask of cat/a\.png is masks/cat/a\.\*"):
        image_folder(root=root, masks=given and Path(given))


def test_masks_of_which_some_belong_are_noted_and_doubtful_ones_refused(root: Path) -> None:
    put(root / "masks" / "cat" / "a.png", MASK), put(root / "masks" / "cat" / "zz.png", MASK)
    assert noted(image_folder(root=root), "1 of 2 masks", "cat/zz.png", "cat/a.*")
    put(root / "masks" / "cat" / "a.bmp", MASK)
    with pytest.raises(ValueError, match=r"are both the mask of cat/a: keep one"):
        image_folder(root=root)


def test_a_flat_mask_of_two_images_is_refused(root: Path) -> None:
    put(root / "dog" / "a.png"), put(root / "masks" / "a.png", MASK)
    with pytest.raises(ValueError, match=r"a\.\* might be the mask of cat/a, dog/a"):
        image_folder(root=root)


def test_a_folder_of_masks_without_images_is_refused(root: Path) -> None:
    (root / "masks").mkdir()
    (root / "masks" / "a.npy").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"there are no images in .*masks \(it has a\.npy\)"):
        image_folder(root=root)


@pytest.mark.parametrize("store", ["masks/test/cat", "test/masks/cat"])
def test_masks_of_splits(tmp_path: Path, store: str) -> None:
    for split in ("train", "test"):
        put(tmp_path / split / "cat" / "a.png")
    put(tmp_path / store / "a.png", MASK)
    data = image_folder(root=tmp_path, split="test")
    assert pixels(data) == {"test/cat/a.png": 6} and data.class_names == ["cat"]
    if store.startswith("masks"):
        assert pixels(image_folder(root=tmp_path, split="train")) == {"train/cat/a.png": None}, "masks of another split are no fault"


@pytest.mark.parametrize(("one", "other"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_masks_classes_and_ids_in_either_normal_form(tmp_path: Path, one: str, other: str) -> None:
    name = "Müller"
    put(tmp_path / unicodedata.normalize(one, name) / (unicodedata.normalize(one, name) + ".png"))
    put(tmp_path / "masks" / unicodedata.normalize(other, name) / (unicodedata.normalize(other, name) + ".png"), MASK)
    data = image_folder(root=tmp_path)
    assert data.class_names == [name] and pixels(data) == {f"{name}/{name}.png": 6}


def test_a_split_in_either_normal_form(tmp_path: Path) -> None:
    put(tmp_path / unicodedata.normalize("NFD", "prüfung") / "cat" / "a.png")
    assert len(image_folder(root=tmp_path, split=unicodedata.normalize("NFC", "prüfung"))) == 1


def test_one_class_in_two_normal_forms_is_one(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        put(tmp_path / unicodedata.normalize(form, "é") / f"{form}.png")
    data = image_folder(root=tmp_path)
    assert data.class_names == ["é"] and [data[i].label for i in range(len(data))] == [0, 0]


def test_what_systems_leave_behind_is_no_class_and_no_image(root: Path) -> None:
    for place in (
        "__MACOSX/cat/._a.png",
        "cat/._b.png",
        ".ipynb_checkpoints/a.png",
        "dog/.ipynb_checkpoints/c-checkpoint.png",
        "@eaDir/x.jpg",
    ):
        put(root / place)
    for litter in ("cat/.DS_Store", "dog/Thumbs.db", "dog/desktop.ini"):
        (root / litter).write_bytes(b"x")
    (root / "dog" / "scan.mha").write_bytes(b"x")
    data = image_folder(root=root)
    assert data.class_names == ["cat", "dog"] and list(pixels(data)) == ["cat/a.png", "cat/b.png", "dog/c.png"]
    (note,) = data.notes
    assert all(name in note for name in ("cat/._b.png", "c-checkpoint.png", "dog/scan.mha", "(6 in all)")) and "Thumbs" not in note


def test_images_are_known_by_all_their_suffixes(root: Path) -> None:
    for suffix in ("JPG", "jfif", "jpe", "JPEG", "webp", "bmp", "tif", "TIFF", "gif", "pbm"):
        path = root / "dog" / f"{suffix}.{suffix}"
        Image.new("RGB", (8, 6)).save(path, {"jfif": "JPEG", "jpe": "JPEG", "pbm": "PPM"}.get(suffix))
    data = image_folder(root=root)
    assert len(data) == 13 and data.notes == []


def test_a_root_of_loose_images_is_explained_and_some_are_passed_over(tmp_path: Path, root: Path) -> None:
    put(root / "loose.png")
    assert noted(image_folder(root=root), "passed over", "loose.png")
    with pytest.raises(
        ValueError, match=r"has no class folders, but 2 images \(a\.png, b\.png\): put them into a folder per class, or list"
    ):
        image_folder(root=root / "cat")
    with pytest.raises(ValueError, match="is a file, not a folder"):
        image_folder(root=root / "loose.png")


def test_a_class_without_images_and_a_folder_too_many_are_noted(root: Path) -> None:
    (root / "owl").mkdir()
    assert noted(image_folder(root=root), "classes without images: owl")
    put(root / "top" / "one" / "a.png"), put(root / "top" / "two" / "a.png")
    (root / "top" / "cat").mkdir()
    below = root / "wrapped"
    put(below / "set" / "one" / "a.png"), put(below / "set" / "two" / "b.png")
    assert noted(image_folder(root=below), "there is one class, set", "one, two", "root is")


def test_splits_beside_other_folders_are_splits_and_a_class_called_train_is_a_class(tmp_path: Path) -> None:
    for split in ("train", "val"):
        put(tmp_path / "a" / split / "cat" / "x.png")
    (tmp_path / "a" / "docs").mkdir()
    with pytest.raises(ValueError, match=r"are splits, not classes; choose one with split \(train, val\)"):
        image_folder(root=tmp_path / "a")
    for vehicle in ("bus", "train"):
        put(tmp_path / "b" / vehicle / "x.png")
    assert image_folder(root=tmp_path / "b").class_names == ["bus", "train"]


@pytest.mark.parametrize("names", [("Training_set", "test-set"), ("seg_train", "seg_pred", "seg_test"), ("train2017", "val2017")])
def test_splits_of_longer_names_are_splits_where_they_hold_folders(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        put(tmp_path / name / "cat" / "x.png"), put(tmp_path / name / "dog" / "x.png")
    with pytest.raises(ValueError, match="are splits, not classes; choose one with split"):
        image_folder(root=tmp_path)
    assert image_folder(root=tmp_path, split=names[0]).class_names == ["cat", "dog"]
    for name in ("eye_test", "crash_test"):
        put(tmp_path / "classes" / name / "x.png")
    assert image_folder(root=tmp_path / "classes").class_names == ["crash_test", "eye_test"]


def test_links_are_followed_and_circles_are_not(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    away = tmp_path_factory.mktemp("away")
    put(away / "deep" / "d.png")
    (root / "dog" / "away").symlink_to(away)
    (root / "dog" / "up").symlink_to(root)
    (root / "dog" / "lost.png").symlink_to(root / "nothing.png")
    (away / "deep" / "round").symlink_to(away)
    data = image_folder(root=root)
    assert list(pixels(data)) == ["cat/a.png", "cat/b.png", "dog/away/deep/d.png", "dog/c.png"]
    assert noted(data, "passed over", "dog/lost.png (1 in all)")


def turned(path: Path, orientation: int, save: Callable[..., object] = put) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.zeros((6, 8, 3), dtype=np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_is_of_the_image_as_it_is_shown_or_turned_alike(tmp_path: Path, orientation: int) -> None:
    """Against Pillow's own turning of the mask."""
    from PIL import ImageOps

    turned(tmp_path / "cat" / "a.png", orientation), turned(tmp_path / "cat" / "b.png", orientation)
    put(tmp_path / "masks" / "cat" / "a.png", MASK)
    put(tmp_path / "masks" / "cat" / "b.png", MASK.T.copy())
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(MASK).save(tmp_path / "alike.png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "alike.png"))) > 0
    (tmp_path / "alike.png").unlink()
    data = image_folder(root=tmp_path)
    assert np.array_equal(data[0].mask.numpy(), expected)
    assert np.array_equal(data[1].mask.numpy(), MASK.T > 0), "of the size that is shown: as it is"
    assert noted(data, "turned as EXIF turns", "cat/a.png")


def test_where_a_mask_s_size_does_not_tell_whether_it_is_turned_a_note_says_how_it_is_taken(tmp_path: Path) -> None:
    for name, orientation in (("a", 3), ("b", 1), ("c", 6)):
        turned(tmp_path / "cat" / f"{name}.png", orientation)
    put(tmp_path / "masks" / "cat" / "a.png", MASK), put(tmp_path / "masks" / "cat" / "b.png", MASK)
    data = image_folder(root=tmp_path)
    assert np.array_equal(data[0].mask.numpy(), MASK > 0)
    assert noted(data, "of the image as it is shown, which EXIF turns without changing its size, of cat/a.png")
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(MASK).save(tmp_path / "masks" / "cat" / "a.png", exif=exif)
    data = image_folder(root=tmp_path)
    assert np.array_equal(data[0].mask.numpy(), MASK[::-1, ::-1] > 0), "a mask that says itself how it is turned"
    assert not noted(data, "as it is shown")


def test_a_mask_of_the_same_proportions_is_scaled_and_others_are_all_listed(root: Path) -> None:
    put(root / "masks" / "cat" / "a.png", MASK.repeat(3, axis=0).repeat(3, axis=1))
    data = image_folder(root=root)
    assert np.array_equal(data[0].mask.numpy(), MASK > 0) and noted(data, "scaled to the size", "cat/a.png")
    put(root / "masks" / "cat" / "b.png", MASK.T.copy()), put(root / "masks" / "dog" / "c.png", MASK[:3])
    with pytest.raises(ValueError, match=r"other proportions.*\n.*b\.png: a mask of \(8, 6\) for an image of \(6, 8\).*\n.*c\.png: "):
        image_folder(root=root)
