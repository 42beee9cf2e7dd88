"""Backgrounds from a folder: volumes are turned the right way, cut to 270 pixels, and shared out among the splits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import pytest
from harness_lesions import template
from harness_lesions.backgrounds import SIDE, SPLITS, brain_of, eligible_slices, folder, found_files, split_files
from harness_lesions.data import lesions
from PIL import Image as Pictures

from harness.api import InputError


def write_volume(path: Path, size: tuple[int, int, int] = (180, 216, 8), affine: np.ndarray | None = None) -> None:
    """A bright ellipsoid in RAS; its front half is brighter, its right half brighter still; the outer slices are empty."""
    x, y, _ = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij")
    head = (np.hypot(x / 0.9, y / 0.9) < 1).astype(np.float32) * (100 + 60 * (y > 0) + 30 * (x > 0))
    head[:, :, :2] = 0
    nibabel.save(nibabel.Nifti1Image(head, np.eye(4) if affine is None else affine), path)


def write_picture(path: Path, level: int) -> None:
    rows, columns = np.mgrid[:300, :240]
    Pictures.fromarray(((np.hypot((rows - 150) / 140, (columns - 120) / 110) < 1) * level).astype(np.uint8)).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for i in range(10):
        write_picture(tmp_path / f"{i}.png", 80 + 10 * i)
    return tmp_path


def test_axial_slices_of_a_volume(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nii.gz")
    slices = eligible_slices(tmp_path / "a.nii.gz")
    assert slices.shape == (6, SIDE, SIDE), "the two empty slices are more than 55 % black"
    front_right, back_left = slices[0, SIDE // 2 - 60, SIDE // 2 + 40], slices[0, SIDE // 2 + 60, SIDE // 2 - 40]
    assert front_right == 255 and back_left == round(100 / 190 * 255)


def test_a_volume_stored_in_another_orientation_gives_the_same_slices(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nii")
    straight = nibabel.load(tmp_path / "a.nii")
    turned = straight.as_reoriented(nibabel.orientations.axcodes2ornt("LPS"))
    nibabel.save(turned, tmp_path / "b.nii")
    np.testing.assert_array_equal(eligible_slices(tmp_path / "a.nii"), eligible_slices(tmp_path / "b.nii"))


def test_splits_share_no_file_and_use_all(pictures: Path) -> None:
    files = found_files(pictures)
    parts = [split_files(files, split, seed=0) for split in SPLITS]
    assert sorted(file for part in parts for file in part) == files
    assert [len(part) for part in parts] == [7, 1, 2]


def test_samples_over_a_folder(pictures: Path) -> None:
    data = lesions(split="train", samples=4, size=270, scale=2, backgrounds=pictures)
    sample = data[0]
    assert sample.image.shape == (1, 270, 270)
    background, drawn = data.layers(0)
    assert background.max() <= 0.7
    assert not (drawn > 0)[~brain_of(background)].any()
    assert lesions(split="train", samples=4, size=96, backgrounds=pictures)[1].image.shape == (1, 96, 96)


@pytest.mark.parametrize("count", [7, 10])
def test_a_file_tells_no_class(tmp_path: Path, count: int) -> None:
    """Whatever the number of files in a split: each is behind both classes as often."""
    for i in range(count):
        write_picture(tmp_path / f"{i}.png", 255)
        with Pictures.open(tmp_path / f"{i}.png") as picture:
            values = np.asarray(picture).copy()
        values[150, 60 + 10 * i] = 128  # by which a file is known again
        Pictures.fromarray(values).save(tmp_path / f"{i}.png")
    for split, files in (("train", count - 1 - (1 + int(0.2 * (count - 3)))), ("test", 1 + int(0.2 * (count - 3)))):
        data = lesions(split=split, samples=4 * files, size=270, backgrounds=tmp_path)
        seen = Counter((data.layers(i)[0].tobytes(), data[i].label) for i in range(len(data)))
        assert len(seen) == 2 * files and set(seen.values()) == {2}


def test_what_systems_leave_behind_is_no_background(pictures: Path) -> None:
    expected = found_files(pictures)
    (pictures / "._0.png").write_bytes(b"AppleDouble")
    (pictures / "__MACOSX").mkdir()
    (pictures / "__MACOSX" / "0.png").write_bytes(b"AppleDouble")
    assert found_files(pictures) == expected


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    write_picture(tmp_path / "cut.png", 200)
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:100])
    (tmp_path / "noise.nii.gz").write_bytes(b"no NIfTI")
    nibabel.save(nibabel.Nifti1Image(np.ones((9, 9), dtype=np.float32), np.eye(4)), tmp_path / "flat.nii")
    for name, fault in (("cut.png", "truncated"), ("noise.nii.gz", "."), ("flat.nii", r"no volume: its shape is \(9, 9\)")):
        with pytest.raises(InputError, match=rf"^backgrounds: .*{name}: .*{fault}"):
            eligible_slices(tmp_path / name)


def test_backgrounds_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder"):
        folder(tmp_path / "nowhere", "test", 96, 0)
    with pytest.raises(ValueError, match="at least 3 are needed"):
        folder(tmp_path, "test", 96, 0)
    Pictures.fromarray(np.zeros((300, 300), dtype=np.uint8)).save(tmp_path / "black.png")
    with pytest.raises(ValueError, match="no slice that is less than 55% black"):
        eligible_slices(tmp_path / "black.png")


def test_where_the_template_is_not_installed_the_line_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    template.template.cache_clear()
    monkeypatch.setattr(template, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"not installed here: pip install 'harness-lesions\[mni\]'"):
        lesions(backgrounds="mni")
