"""Scans among the images of a folder: found, masked, and told of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from harness_torchvision.image_folder import image_folder
from PIL import Image

nibabel = pytest.importorskip("nibabel")


def put(path: Path, values: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([*spacing, 1.0])), path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).integers(0, 999, (8, 6, 5)).astype(np.int16)
    put(tmp_path / "ill" / "a.nii.gz", values)
    put(tmp_path / "well" / "b.nii", values + 1, (1.0, 2.0, 1.0))
    return tmp_path


def test_volumes_are_images_by_their_middle_slice_with_masks(root: Path) -> None:
    mask = np.zeros((8, 6, 5), dtype=np.uint8)
    mask[2, 5, 2] = 1
    put(root / "masks" / "ill" / "a.nii.gz", mask)
    drawn = np.zeros((6, 8), dtype=np.uint8)
    drawn[0, 2] = 255
    (root / "masks" / "well").mkdir()
    Image.fromarray(drawn).save(root / "masks" / "well" / "b.png")
    data = image_folder(root=root)
    assert [(data[i].id, tuple(data[i].image.shape)) for i in range(2)] == [("ill/a.nii.gz", (1, 6, 8)), ("well/b.nii", (1, 12, 8))]
    first, second = data[0].mask, data[1].mask
    assert first is not None and first.sum() == 1 and first[0, 2]
    assert second is not None and second.sum() == 2 and second[:2, 2].all(), "of the size that is stored, it is stretched as the image is"
    said = ["ill/a.nii.gz: slice 3 of 5", "well/b.nii: slice 3 of 5", "pixels that are not square are made so, of well/b.nii"]
    assert all(any(words in note for note in data.notes) for words in said)


def test_a_manifest_names_slices(root: Path) -> None:
    (root / "list.csv").write_text("path,label\nill/a.nii.gz#1,ill\nill/a.nii.gz#5,ill\nwell/b.nii#2,well\n")
    data = image_folder(root=root, manifest=Path("list.csv"))
    assert [data[i].id for i in range(3)] == ["ill/a.nii.gz#1", "ill/a.nii.gz#5", "well/b.nii#2"]
    assert not (data[0].image == data[1].image).all() and not any("middle slice" in note for note in data.notes)
    (root / "list.csv").write_text("path,label\nill/a.nii.gz#9,ill\n")
    with pytest.raises(ValueError, match=r"ill/a\.nii\.gz#9: it has no slice 9 \(they are 1 to 5\)"):
        image_folder(root=root, manifest=Path("list.csv"))
    (root / "list.csv").write_text("path,label\nill/c.nii.gz#1,ill\n")
    with pytest.raises(ValueError, match=r"ill/c\.nii\.gz#1: there is no such file"):
        image_folder(root=root, manifest=Path("list.csv"))


def test_dicom_files_are_found_without_a_suffix(root: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    scan = Path(pydicom.__file__).parent / "data" / "test_files" / "CT_small.dcm"
    for name in ("IM0001", "1.2.840.1", "1.2.840.2", "x.dcm"):
        (root / "ill" / name).write_bytes(scan.read_bytes())
    (root / "ill" / "README").write_text("words")
    data = image_folder(root=root)
    assert len(data) == 6 and any("passed over" in note and "ill/README" in note for note in data.notes)
