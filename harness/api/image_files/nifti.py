"""NIfTI files, by nibabel (https://nifti.nimh.nih.gov/nifti-1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.api.image_files.planes import Plane, as_unreadable, chosen_slice, optional_library, scaled_to_unit
from harness.api.image_files.traits import MOST_PIXELS, Unreadable

AXIAL = 2
SUFFIXES = (".nii", ".nii.gz")


def read_nifti(path: Path, number: int | None, stored: bool = False) -> Plane:
    """One axial slice as it is to be shown, or with ``stored`` its values; of several volumes that of the first.

    Slices are counted from the feet up, and lie with the front of the head up and the patient's left on the left. A file that is one slice
    thick gives that one. Values are scaled by the header, and shown from ``cal_min`` to ``cal_max``, or if these are not given from the
    least of the slice to its greatest; what is not a number counts as the least. Raises `Unreadable`.
    """
    nibabel = optional_library("nibabel", "NIfTI files")
    with as_unreadable(path):
        image = nibabel.load(path)
        if image.get_data_dtype().kind not in "biuf" or len(image.shape) < 2:
            raise Unreadable(f"no grey values: {image.get_data_dtype()} of {image.shape}")
        if len(image.shape) == 2:  # nibabel turns volumes alone
            image = nibabel.Nifti1Image(np.asarray(image.dataobj)[..., None], image.affine, image.header)
        image = nibabel.as_closest_canonical(image)
        shape = image.shape[:3]
        if np.prod(sorted(shape)[1:]) > MOST_PIXELS:
            raise Unreadable(f"a slice of {shape} is larger than the {MOST_PIXELS} pixels that are read")
        thin = [axis for axis in range(3) if shape[axis] == 1]
        axis = thin[0] if len(thin) == 1 else AXIAL
        place = chosen_slice(number, shape[axis])
        values = _slice(image, axis, place - 1)
        columns, rows = (float(image.header.get_zooms()[other]) for other in range(3) if other != axis)
        if stored:
            return Plane(values, (rows, columns), place, shape[axis])
        seen = values[np.isfinite(values)]
        low, high = float(image.header["cal_min"]), float(image.header["cal_max"])
        if not low < high and seen.size:
            low, high = float(seen.min()), float(seen.max())
        return Plane(scaled_to_unit(np.nan_to_num(values, nan=low), low, high), (rows, columns), place, shape[axis])


def _slice(image: Any, axis: int, index: int) -> np.ndarray[Any, Any]:
    """Rows from the front (or the top) down, columns from left to right (or from back to front)."""
    where: list[Any] = [slice(None)] * 3 + [0] * (len(image.shape) - 3)
    where[axis] = index
    return np.rot90(np.asarray(image.dataobj[tuple(where)]))
