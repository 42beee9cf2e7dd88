"""DICOM files, by pydicom (https://dicom.nema.org/medical/dicom/current, parts 3 and 5)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.api.image_files.planes import Plane, as_unreadable, chosen_slice, optional_library, scaled_to_unit
from harness.api.image_files.traits import MOST_PIXELS, Unreadable

_MARK_AT, _MARK = 128, b"DICM"
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_GROUPS = ("PixelMeasuresSequence", "FrameVOILUTSequence", "PixelValueTransformationSequence")


def has_dicom_mark(path: Path) -> bool:
    """Whether a file begins as DICOM files do, whatever it is called."""
    try:
        with path.open("rb") as file:
            return file.read(_MARK_AT + len(_MARK))[_MARK_AT:] == _MARK
    except OSError:
        return False


def read_dicom(path: Path, number: int | None, stored: bool = False) -> Plane:
    """One frame as it is to be shown, or with ``stored`` the values in the file.

    Stored values become physical ones (rescale slope and intercept, or a table), of which the first window, or table, shows some; without
    one, all of up to 8 bits, and of more the least to the greatest (but for padding). MONOCHROME1 is inverted. Colours become RGB.
    Raises `Unreadable`.
    """
    pydicom = optional_library("pydicom", "DICOM files")
    with as_unreadable(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.stat().st_size == 0:
            raise Unreadable("the file is empty")
        if not has_dicom_mark(path):
            raise Unreadable("no DICOM file, or damaged at its start")
        data = pydicom.dcmread(path)
        if "Rows" not in data or not any(name in data for name in _PIXELS):
            raise Unreadable(f"a DICOM file without an image (its modality is {data.get('Modality', 'unknown')})")
        if data.Rows * data.Columns > MOST_PIXELS:
            raise Unreadable(f"{data.Columns} × {data.Rows} pixels are more than the {MOST_PIXELS} that are read")
        frames = int(data.get("NumberOfFrames") or 1)
        frame = chosen_slice(number, frames)
        values = pydicom.pixels.pixel_array(data, index=frame - 1)
        _describe_frame(data, frame - 1)
        shown = values if stored else _shown(values, data, pydicom.pixels)
        return Plane(shown, _spacing(data), frame, frames)


def _describe_frame(data: Any, index: int) -> None:
    """Set what the functional groups of an enhanced image say of one frame as if it stood for the whole."""
    shared, per_frame = data.get("SharedFunctionalGroupsSequence") or [], data.get("PerFrameFunctionalGroupsSequence") or []
    for group in [*shared[:1], *per_frame[index : index + 1]]:
        for name in _GROUPS:
            for element in (group.get(name) or [()])[0]:
                data[element.tag] = element


def _shown(values: NDArray[Any], data: Any, pixels: Any) -> NDArray[np.float32]:
    kind = data.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        values = pixels.apply_color_lut(values, data)
        return scaled_to_unit(values, 0, np.iinfo(values.dtype).max)
    if values.ndim == 3:
        return scaled_to_unit(values, 0, 2 ** int(data.BitsStored) - 1)
    padding = values == data.PixelPaddingValue if "PixelPaddingValue" in data else np.zeros(values.shape, dtype=bool)
    physical = pixels.apply_modality_lut(values, data)
    grey = _grey(physical, padding, data, pixels)
    grey = 1 - grey if kind == "MONOCHROME1" else grey
    return np.where(padding, np.float32(0), grey)


def _grey(physical: NDArray[Any], padding: NDArray[np.bool_], data: Any, pixels: Any) -> NDArray[np.float32]:
    """What a window or a table shows of physical values, or the whole of them, in [0, 1]."""
    if data.get("VOILUTSequence"):
        entries = data.VOILUTSequence[0].LUTDescriptor[2]
        return scaled_to_unit(pixels.apply_voi_lut(physical.astype(np.int64), data), 0, 2 ** int(entries) - 1)
    if data.get("WindowCenter") is not None and np.max(data.get("WindowWidth") or 0) > 0:
        low, high = pixels.apply_windowing(np.array([-1e12, 1e12]), data)  # what it makes of the darkest and of the brightest
        return scaled_to_unit(pixels.apply_windowing(physical, data), low, high)
    rescaled = "ModalityLUTSequence" in data or "RescaleSlope" in data
    if int(data.get("BitsStored") or 16) <= 8 and not rescaled and not int(data.get("PixelRepresentation") or 0):
        return scaled_to_unit(physical, 0, 2 ** int(data.BitsStored) - 1)
    seen = physical[~padding & np.isfinite(physical)]
    return scaled_to_unit(physical, *((float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)))


def _spacing(data: Any) -> tuple[float, float]:
    found = next((data.get(name) for name in _SPACINGS if data.get(name)), None)
    return (1.0, 1.0) if found is None else (float(found[0]), float(found[1]))
