"""Backgrounds from a folder: volumes are turned the right way, cut to 270 pixels, and shared out among the splits."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from harness_lesions import template
from harness_lesions.backgrounds import SIDE, SPLITS, brain_of, eligible_slices, folder, found_files, split_files
from harness_lesions.data import lesions
from PIL import Image as Pictures


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
