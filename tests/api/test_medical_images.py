"""DICOM and NIfTI files: what is shown of them is what their standards say, whatever way up and however many slices they have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.api import InputError
from harness.api.image_files.decoding import check, decode_image, decode_mask
from harness.api.image_files.medical import is_medical, split_slice
from harness.api.image_files.planes import Plane, squared, squared_mask
from harness.api.image_files.traits import Unreadable
from harness.runs.image_files import describe_image_file, read_image_file
from harness.user_errors import UserError

STORED = np.arange(20 * 16, dtype=np.int16).reshape(16, 20) * 9 - 1000
"""Stored values from -1000 to 1871."""


def write_dicom(path: Path, values: NDArray[Any] = STORED, **attributes: Any) -> Path:
    """A file of grey values of 16 bit, or of 8 if that is their type; of several frames if they have three dimensions."""
    pydicom = pytest.importorskip("pydicom")
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    data = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    bits = 8 * values.dtype.itemsize
    data.Rows, data.Columns = values.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", int(values.dtype.kind == "i")
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    if values.ndim == 3:
        data.NumberOfFrames = len(values)
    for name, value in attributes.items():
        setattr(data, name, value)
    data.PixelData = values.tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def write_nifti(path: Path, values: NDArray[Any], affine: NDArray[Any] | None = None, **header: Any) -> Path:
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def linear_window(values: NDArray[Any], centre: float, width: float) -> NDArray[Any]:
    """PS3.3 C.11.2.1.2.1, from 0 to 1."""
    inside = (values - (centre - 0.5)) / (width - 1) + 0.5
    below, above = values <= centre - 0.5 - (width - 1) / 2, values > centre - 0.5 + (width - 1) / 2
    return np.where(below, 0, np.where(above, 1, inside))


def test_a_window_shows_physical_values_as_the_standard_says(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", RescaleSlope=2, RescaleIntercept=-24, WindowCenter=[40, 500], WindowWidth=[400, 2000])
    expected = linear_window(2 * STORED.astype(float) - 24, 40, 400)
    np.testing.assert_allclose(decode_image(path), expected[None], atol=1e-6)
    assert check(path).size == (16, 20) and 0 < (expected > 0).mean() < 1
    inverted = write_dicom(
        tmp_path / "b.dcm", PhotometricInterpretation="MONOCHROME1", RescaleSlope=2, RescaleIntercept=-24, WindowCenter=40, WindowWidth=400
    )
    np.testing.assert_allclose(decode_image(inverted), 1 - expected[None], atol=1e-6)


def test_exact_and_sigmoid_windows(tmp_path: Path) -> None:
    exact = write_dicom(tmp_path / "a.dcm", WindowCenter=100, WindowWidth=600, VOILUTFunction="LINEAR_EXACT")
    np.testing.assert_allclose(decode_image(exact)[0], ((STORED - 100) / 600 + 0.5).clip(0, 1), atol=1e-6)
    sigmoid = write_dicom(tmp_path / "b.dcm", WindowCenter=100, WindowWidth=600, VOILUTFunction="SIGMOID")
    logistic = 1 / (1 + np.exp(-4 * (STORED.astype(float) - 100) / 600))
    np.testing.assert_allclose(decode_image(sigmoid)[0], logistic, atol=2e-3)  # whose ends the greatest values do not reach


def test_without_a_window_values_go_from_the_least_to_the_greatest_but_for_padding(tmp_path: Path) -> None:
    np.testing.assert_allclose(decode_image(write_dicom(tmp_path / "a.dcm"))[0], (STORED + 1000) / 2871, atol=1e-6)
    padded = STORED.copy()
    padded[:2] = -2000
    shown = decode_image(write_dicom(tmp_path / "b.dcm", padded, PixelPaddingValue=-2000))[0].numpy()
    np.testing.assert_allclose(shown[2:], (STORED[2:] - STORED[2:].min()) / (STORED[2:].max() - STORED[2:].min()), atol=1e-6)
    assert not shown[:2].any()
    inverted = write_dicom(tmp_path / "inverted.dcm", padded, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(decode_image(inverted)[0, 2:], 1 - shown[2:], atol=1e-6)
    assert not decode_image(inverted)[0, :2].any(), "padding is black in either"
    sixteen = np.array([[0, 1], [40000, 65535]], dtype=np.uint16)
    np.testing.assert_allclose(decode_image(write_dicom(tmp_path / "c.dcm", sixteen))[0], sixteen / 65535, atol=1e-6)
    eight = np.array([[10, 20], [30, 200]], dtype=np.uint8)
    np.testing.assert_allclose(decode_image(write_dicom(tmp_path / "d.dcm", eight))[0], eight / 255, atol=1e-6)
    assert not decode_image(write_dicom(tmp_path / "e.dcm", np.full((4, 4), 7, dtype=np.int16))).any()


def test_of_several_frames_the_middle_one_is_taken_or_the_one_that_is_named(tmp_path: Path) -> None:
    frames = np.stack([STORED, STORED // 2, STORED[::-1].copy(), np.abs(STORED), STORED * 3]).astype(np.int16)
    path = write_dicom(tmp_path / "a.dcm", frames)
    for place, name in [(3, "a.dcm"), (1, "a.dcm#1"), (5, "a.dcm#5")]:
        values = frames[place - 1].astype(float)
        np.testing.assert_allclose(
            decode_image(tmp_path / name)[0], (values - values.min()) / (values.max() - values.min()), atol=1e-6, err_msg=name
        )
    assert check(path).slice == "slice 3 of 5" and check(tmp_path / "a.dcm#3").slice == ""
    for number in (0, 6):
        with pytest.raises(Unreadable, match=rf"it has no slice {number} \(they are 1 to 5\)"):
            decode_image(tmp_path / f"a.dcm#{number}")


def test_windows_of_single_frames_of_an_enhanced_image(tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    groups = []
    for centre in (0, 300):
        window, group = pydicom.dataset.Dataset(), pydicom.dataset.Dataset()
        window.WindowCenter, window.WindowWidth = centre, 5000
        group.FrameVOILUTSequence = [window]
        groups.append(group)
    measures, shared = pydicom.dataset.Dataset(), pydicom.dataset.Dataset()
    measures.PixelSpacing = [2, 1]
    shared.PixelMeasuresSequence = [measures]
    path = write_dicom(
        tmp_path / "a.dcm",
        np.stack([STORED, STORED]),
        PerFrameFunctionalGroupsSequence=groups,
        SharedFunctionalGroupsSequence=[shared],
    )
    assert check(path).size == (32, 20)
    for number, centre in ((1, 0), (2, 300)):
        shown = decode_image(tmp_path / f"a.dcm#{number}")[0]
        rows = shown.reshape(16, 2, 20).mean(dim=1)[1:-1]  # between two rows it is linear, as the window has all values inside
        np.testing.assert_allclose(rows, linear_window(STORED.astype(float), centre, 5000)[1:-1], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("CT_small.dcm", (1, 128, 128)), ("MR_small_RLE.dcm", (1, 64, 64)), ("examples_palette.dcm", (3, 350, 800)),
     ("SC_ybr_full_422_uncompressed.dcm", (3, 100, 100)), ("SC_rgb_rle_16bit.dcm", (3, 100, 100)), ("ExplVR_BigEnd.dcm", (3, 60, 80))],
)  # fmt: skip
def test_files_of_scanners(name: str, shape: tuple[int, ...]) -> None:
    pydicom = pytest.importorskip("pydicom")
    path = Path(pydicom.__file__).parent / "data" / "test_files" / name
    image = decode_image(path)
    assert image.shape == shape and check(path).size == shape[1:] and 0 <= image.min() < image.max() <= 1
    if "MR_small" in name:
        data = pydicom.dcmread(path)
        np.testing.assert_allclose(image[0], linear_window(data.pixel_array.astype(float), 600, 1600), atol=1e-6)
        assert (data.WindowCenter, data.WindowWidth) == (600, 1600)
    if "rgb" in name or "ybr" in name:  # bars of red, green, blue and grey
        eighth = image[:, ::10, 50].round(decimals=1).unique(dim=1)
        assert any(torch.equal(column, torch.tensor([1.0, 0.0, 0.0])) for column in eighth.T)


def test_what_is_no_image_or_damaged_is_said_so(tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    with pytest.raises(Unreadable, match=r"a DICOM file without an image \(its modality is SR\)"):
        check(Path(pydicom.__file__).parent / "data" / "test_files" / "test-SR.dcm")
    whole = write_dicom(tmp_path / "a.dcm").read_bytes()
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole[: generator.integers(1, len(whole) + 1)])
        for place in generator.integers(0, len(damaged), size=6):
            damaged[place] = generator.integers(256)
        (tmp_path / "b.dcm").write_bytes(damaged)
        try:
            assert torch.isfinite(decode_image(tmp_path / "b.dcm")).all()
        except Unreadable as error:
            refused += 1
            assert len(str(error).splitlines()) == 1
    assert refused
    (tmp_path / "b.dcm").write_bytes(b"x")
    with pytest.raises(Unreadable, match="no DICOM file, or damaged at its start"):
        check(tmp_path / "b.dcm")
    with pytest.raises(Unreadable, match="there is no such file"):
        check(tmp_path / "nowhere.dcm")


def test_a_dicom_file_is_known_by_its_mark_where_its_name_says_nothing(tmp_path: Path) -> None:
    write_dicom(tmp_path / "IM000001"), write_dicom(tmp_path / "1.2.840.113")
    (tmp_path / "LICENSE").write_text("words")
    assert is_medical(tmp_path / "IM000001") and is_medical(tmp_path / "1.2.840.113") and not is_medical(tmp_path / "LICENSE")
    assert is_medical(tmp_path / "x.DCM") and is_medical(tmp_path / "x.nii.gz") and not is_medical(tmp_path / "x.png")


def volume() -> NDArray[np.int16]:
    """``(5, 6, 7)`` voxels, x from left to right, y from back to front, z from the feet up."""
    values = np.random.default_rng(0).integers(0, 1000, (5, 6, 7)).astype(np.int16)
    values[4, 5, 2] = 2000  # right, front
    return values


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, 1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_axial_slices_lie_alike_however_they_are_stored(tmp_path: Path, flips: tuple[int, ...], order: tuple[int, ...]) -> None:
    canonical = volume()
    stored = canonical[tuple(slice(None, None, flip) for flip in flips)].transpose(order)
    affine = np.zeros((4, 4))
    for axis, world in enumerate(order):
        affine[world, axis] = flips[world]
    affine[3, 3] = 1
    write_nifti(tmp_path / "a.nii.gz", stored, affine)
    image = decode_image(tmp_path / "a.nii.gz#3")
    assert image.shape == (1, 6, 5) and image[0, 0, 4] == 1, "the front is up and the right on the right"
    level = canonical[:, :, 2].astype(float)
    np.testing.assert_allclose(image[0], ((level - level.min()) / (2000 - level.min())).T[::-1], atol=1e-6)
    assert check(tmp_path / "a.nii.gz").slice == "slice 4 of 7"


def test_nifti_scaling_display_range_and_further_volumes(tmp_path: Path) -> None:
    values = np.stack([volume(), volume()[::-1]], axis=3)
    path = write_nifti(tmp_path / "a.nii", values, cal_min=100, cal_max=600)
    level = values[:, :, 3, 0].astype(float)
    np.testing.assert_allclose(decode_image(path)[0], ((level - 100) / 500).clip(0, 1).T[::-1], atol=1e-6)
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(values[..., 0], np.eye(4))
    image.header.set_slope_inter(0.5, -10)
    image.header["cal_min"], image.header["cal_max"] = 40, 290  # of the values that the slope makes of 100 and of 600
    nibabel.save(image, tmp_path / "b.nii")
    np.testing.assert_allclose(decode_image(tmp_path / "b.nii"), decode_image(path), atol=2e-3)
    floats = np.where(values[..., 0] == 2000, np.nan, values[..., 0]).astype(np.float32)
    write_nifti(tmp_path / "c.nii", floats)
    level = floats[:, :, 2]
    low, high = np.nanmin(level), np.nanmax(level)
    np.testing.assert_allclose(
        decode_image(tmp_path / "c.nii#3")[0], ((np.nan_to_num(level, nan=low) - low) / (high - low)).T[::-1], atol=1e-6
    )


def test_a_file_that_is_one_slice_thick_gives_that_one(tmp_path: Path) -> None:
    values = volume()
    sagittal = write_nifti(tmp_path / "a.nii", values[2:3], np.diag([4.0, 1.0, 2.0, 1.0]))
    assert check(sagittal).size == (14, 6) and check(sagittal).stored == (7, 6) and check(sagittal).slice == ""
    flat = write_nifti(tmp_path / "b.nii", values[:, :, 0])
    assert decode_image(flat).shape == (1, 6, 5)
    with pytest.raises(Unreadable):
        (tmp_path / "c.nii.gz").write_bytes((tmp_path / "a.nii").read_bytes())
        decode_image(tmp_path / "c.nii.gz")


def test_pixels_are_made_square() -> None:
    ramp = np.tile(np.linspace(0, 1, 10, dtype=np.float32)[:, None], (1, 8))
    image = squared(Plane(ramp, spacing=(3.0, 1.5)))
    assert image.shape == (1, 20, 8)
    np.testing.assert_allclose(image[0, :, 0], ((np.arange(20) + 0.5) / 2 - 0.5).clip(0, 9) / 9, atol=1e-6)
    mask = squared_mask(Plane((ramp > 0.5).astype(np.uint8), spacing=(3.0, 1.5)))
    assert mask.shape == (20, 8) and mask[10:].all() and not mask[:10].any()
    for spacing in [(1.0, 1.005), (0.0, 1.0), (float("nan"), 1.0)]:
        assert squared(Plane(ramp, spacing)).shape == (1, 10, 8)
    with pytest.raises(Unreadable, match="more than are read"):
        squared(Plane(ramp, (1.0, 1e9)))


def test_a_mask_is_what_is_not_stored_as_0(tmp_path: Path) -> None:
    values = np.zeros((5, 6, 7), dtype=np.int16)
    values[1, 4, 3] = -3
    write_nifti(tmp_path / "a.nii.gz", values)
    mask = decode_mask(tmp_path / "a.nii.gz")
    assert mask.sum() == 1 and mask[1, 1]
    assert not decode_mask(tmp_path / "a.nii.gz#1").any()
    assert decode_mask(write_dicom(tmp_path / "b.dcm", (STORED > 0).astype(np.uint8))).sum() == (STORED > 0).sum()


def test_a_missing_library_is_named_with_the_line_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.dcm").write_bytes(b""), (tmp_path / "a.nii").write_bytes(b"")
    for name, file, what in (("pydicom", "a.dcm", "DICOM"), ("nibabel", "a.nii", "NIfTI")):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(InputError, match=f"{what} files are read by {name}: pip install {name}"):
            check(tmp_path / file)
        with pytest.raises(UserError, match=f"pip install {name}"):
            read_image_file(tmp_path / file)


def test_a_single_file_is_read_and_its_slice_is_named(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "scan.dcm", np.stack([STORED] * 4))
    assert torch.equal(read_image_file(path), decode_image(path))
    assert describe_image_file(path) == "scan.dcm (slice 2 of 4)" and describe_image_file(tmp_path / "scan.dcm#4") == "scan.dcm#4"
    with pytest.raises(UserError, match=r"scan\.dcm#9 cannot be read as an image: it has no slice 9"):
        read_image_file(tmp_path / "scan.dcm#9")
    (tmp_path / "odd.png#2").write_bytes(b"")
    assert split_slice(tmp_path / "odd.png#2") == (tmp_path / "odd.png#2", None)
