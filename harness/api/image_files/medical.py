"""Medical images: DICOM and NIfTI files, of which a slice is named as ``scan.nii.gz#80``."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import TypeVar

from torch import Tensor

from harness.api.image_files import nifti
from harness.api.image_files.dicom import has_dicom_mark, read_dicom
from harness.api.image_files.nifti import read_nifti
from harness.api.image_files.planes import Plane, squared, squared_mask
from harness.api.image_files.traits import Traits

DICOM_SUFFIXES = (".dcm", ".dicom")
P = TypeVar("P", bound=PurePath)
_NUMBERED = re.compile(r"(?P<file>.+)#(?P<number>[0-9]{1,9})", re.DOTALL)


def is_medical(path: Path) -> bool:
    """Whether a file, or a slice of one, is DICOM or NIfTI, by its name, or if that has no suffix of another kind by how it begins."""
    file, _ = split_slice(path)
    name = file.name.lower()
    suffix = file.suffix[1:]
    return name.endswith((*DICOM_SUFFIXES, *nifti.SUFFIXES)) or ((not suffix or suffix.isdecimal()) and has_dicom_mark(file))


def split_slice(path: Path) -> tuple[Path, int | None]:
    """The file of ``scan.nii.gz#80`` and the number of its slice; a path without one, or of a file that is called so, as it is."""
    found = _NUMBERED.fullmatch(path.name)
    if found is None or path.exists():
        return path, None
    return path.with_name(found["file"]), int(found["number"])


def without_suffix(path: P) -> P:
    """A path without what says of which kind its file is: ``scan`` of ``scan.nii.gz`` and of ``scan.png``, ``1.2.840`` of ``1.2.840``."""
    if path.name.lower().endswith(".nii.gz"):
        return path.with_suffix("").with_suffix("")
    return path if path.suffix[1:].isdecimal() else path.with_suffix("")


def decode_medical(path: Path) -> Tensor:
    """A slice ``(C, H, W)`` in [0, 1] in square pixels, the middle one of several if none is named; raises `Unreadable`."""
    return squared(_plane(path))


def decode_medical_mask(path: Path) -> Tensor:
    """Where the stored values of a slice are not 0, ``(H, W)`` bool in square pixels; raises `Unreadable`."""
    return squared_mask(_plane(path, stored=True))


def check_medical(path: Path) -> Traits:
    """Read what is shown of a file; raises `Unreadable`."""
    plane = _plane(path)
    _, named = split_slice(path)
    unnamed = f"slice {plane.number} of {plane.of}" if plane.of > 1 and named is None else ""
    height, width = plane.values.shape[:2]
    return Traits(plane.square_size, slice=unnamed, stored=(height, width))


def _plane(path: Path, stored: bool = False) -> Plane:
    file, number = split_slice(path)
    read = read_nifti if file.name.lower().endswith(nifti.SUFFIXES) else read_dicom
    return read(file, number, stored)
