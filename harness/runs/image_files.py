"""Images from files to tensors, and from a model's inputs to pictures."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from harness.runs.component_shorthand import quote_shortened
from harness.user_errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from harness.api.classifiers import Classifier

MAX_16_BIT = 65535


def read_image_file(path: Path) -> Tensor:
    """A file as ``(C, H, W)`` in [0, 1], turned as its EXIF orientation says: C is 1 for integers of 16 bit and medical images, else 3.

    Transparency is dropped; of an animation the first frame is taken, of a volume the slice that is named (``scan.nii.gz#80``) or the
    middle one.

    Raises:
        UserError: there is no such file, it is damaged, larger than Pillow takes for harmless, or its values have no known range.
    """
    import torch

    if not is_file(path):
        raise UserError(f"{quote_shortened(str(path))}: there is no such image")
    if (medical := _read_medical_file(path)) is not None:
        return medical[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                array = _to_unit_range(_apply_exif_orientation(image))
    except Exception as error:  # decoders raise what they like on a damaged file
        raise UserError(f"{path} cannot be read as an image: {' '.join(str(error).split()) or type(error).__name__}") from error
    return torch.from_numpy(array).permute(2, 0, 1).contiguous()


def describe_image_file(path: Path) -> str:
    """The name of a file, with the slice that is taken of a volume if none is named."""
    _, slice = _read_medical_file(path) or (None, "")
    return f"{path.name} ({slice})" if slice else path.name


def to_picture(model: Classifier, inputs: Tensor) -> NDArray[np.float64]:
    """Picture ``(H, W, C)`` in [0, 1] of what a model is given ``(C, H, W)``."""
    return np.asarray(model.denormalise(inputs).clamp(0, 1).permute(1, 2, 0).cpu().numpy(), dtype=np.float64)


def is_file(path: Path) -> bool:
    """Whether there is a file, or that whose slice is named; none has a name that the system refuses."""
    try:
        return path.is_file() or _is_slice(path)
    except OSError:
        return False


def _is_slice(path: Path) -> bool:
    from harness.api.image_files.medical import is_medical, split_slice

    return split_slice(path)[1] is not None and split_slice(path)[0].is_file() and is_medical(path)


def _read_medical_file(path: Path) -> tuple[Tensor, str] | None:
    """A DICOM or NIfTI file, and which slice of it; None for any other."""
    from harness.api.image_files.medical import check_medical, decode_medical, is_medical
    from harness.api.image_files.traits import Unreadable
    from harness.api.input_error import InputError

    try:
        return (decode_medical(path), check_medical(path).slice) if is_medical(path) else None
    except InputError as error:
        raise UserError(str(error)) from error
    except Unreadable as error:
        raise UserError(f"{path} cannot be read as an image: {error}") from error


def _apply_exif_orientation(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF orientation says, where that can be read."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF raises what it likes, and does no harm to the picture
        image.load()
        return image


def _to_unit_range(image: Image.Image) -> NDArray[np.float32]:
    """``(H, W, C)`` in [0, 1]; raises ``ValueError`` where the range of the values is not known."""
    values = np.asarray(image)
    if image.mode == "F":
        if not (np.isfinite(values).all() and values.min(initial=0) >= 0 and values.max(initial=0) <= 1):
            raise ValueError("floating values that are not in [0, 1] have no known range: convert it to 8 or 16 bit")
        return values.astype(np.float32)[..., None]
    if not image.mode.startswith("I"):
        image = image.convert("LA") if image.mode == "La" else image
        return np.asarray(image.convert("RGB"), dtype=np.float32) / np.float32(255)
    if values.min(initial=0) < 0 or values.max(initial=0) > MAX_16_BIT:
        raise ValueError(f"integers from {values.min()} to {values.max()}, which are neither 8 nor 16 bit")
    return values.astype(np.float32)[..., None] / np.float32(MAX_16_BIT)
