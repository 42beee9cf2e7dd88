"""From image files to tensors in [0, 1]."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from harness.api.image_files.medical import check_medical, decode_medical, decode_medical_mask, is_medical
from harness.api.image_files.traits import MOST_PIXELS, Traits, Unreadable

SUFFIXES = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .bmp .dib .gif .tif .tiff .webp .ppm .pgm .pbm .pnm".split()  # noqa: SIM905
)
"""What files are called that are images, in lower case."""
_EIGHT_BIT, _SIXTEEN_BIT = 255, 65535
_GREY = ("1", "L", "LA")
_ORIENTATION = 0x0112  # of EXIF: 1 is upright, 5 to 8 exchange rows and columns
_LOSSY = ("JPEG", "MPO", "WEBP")
_STILL = ("JPEG", "MPO", "PNG", "BMP")  # formats whose further pictures (a phone's depth map) are no frames


def decode_image(path: Path) -> Tensor:
    """An image ``(C, H, W)`` in [0, 1], upright as its EXIF orientation says: C is 1 for grey images, else 3.

    Grey of 16 bit, also in 32, is divided by 65535, and of colours of 16 bit the upper 8 are taken. Transparency is dropped, as torchvision
    drops it: what lies under it is shown. Of an animation the first frame is taken. DICOM and NIfTI are read as
    `harness.api.image_files.medical` says. Raises `Unreadable`.
    """
    if is_medical(path):
        return decode_medical(path)
    with opened(path) as image:
        turned = upright(image)
        if turned.mode == "La":
            turned = turned.convert("LA")
        if turned.mode in _GREY:
            grey = np.asarray(turned.convert("L"), dtype=np.float32) / 255
        elif turned.mode.startswith("I"):
            grey = _sixteen_bit(image, np.asarray(turned))
        elif turned.mode == "F":
            grey = _unit_range(np.asarray(turned))
        else:
            colour = np.asarray(turned.convert("RGB"), dtype=np.float32) / 255
            return torch.from_numpy(colour).permute(2, 0, 1).contiguous()
        return torch.from_numpy(grey)[None]


def decode_mask(path: Path) -> Tensor:
    """A mask ``(H, W)`` bool, upright as its EXIF orientation says: true where the image is not black.

    Of a palette where the index is not 0, unless black is at another index that is used, or one grey is all there is. What is transparent
    is not in the mask, and where all that is visible is black it is the mask. Of a JPEG or WebP, which blur edges, what is above half of
    the maximum; of DICOM and NIfTI what is not stored as 0. Raises `Unreadable`.
    """
    if is_medical(path):
        return decode_medical_mask(path)
    with opened(path) as image:
        lossy = image.format in _LOSSY
        turned = upright(image)
        shown = _marked(turned, lossy)
        opaque = alpha(turned)
        visible = np.ones_like(shown) if opaque is None else opaque > (127 if lossy else 0)
        both = shown & visible
        return torch.from_numpy(both if both.any() or visible.all() else visible)


def check(path: Path) -> Traits:
    """Read the whole file, at a coarse resolution where its format has one; raises `Unreadable`."""
    if is_medical(path):
        return check_medical(path)
    with opened(path) as image:
        turned = orientation(image)
        width, height = image.size
        frames = 1 if image.format in _STILL else getattr(image, "n_frames", 1)
        image.draft("RGB", (64, 64))
        image.load()
        seen = alpha(image)
        transparent = seen is not None and bool((seen < 255).any())
        return Traits((width, height) if turned >= 5 else (height, width), turned, transparent, frames)


def alpha(image: Image.Image) -> np.ndarray | None:
    """Opacity of each pixel ``(H, W)``, from 0 to 255; None where the image has no transparency."""
    if image.mode.startswith(("I", "F")):
        return None
    if "transparency" in image.info and "A" not in image.getbands():
        image = image.convert("RGBA")
    bands = image.getbands()
    band = next((name for name in ("A", "a") if name in bands and image.mode != "LAB"), None)
    return None if band is None else np.asarray(image.getchannel(band))


def orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 where there is none that can be read."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF raises what it likes, and does no harm to the picture
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright(image: Image.Image) -> Image.Image:
    """The image as it is shown."""
    return image if orientation(image) == 1 else ImageOps.exif_transpose(image)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The image in a file, closed afterwards; whatever goes wrong meanwhile is `Unreadable`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Unreadable(f"{image.width} × {image.height} pixels are more than the {MOST_PIXELS} that are read")
                yield image
    except Unreadable:
        raise
    except FileNotFoundError as error:
        raise Unreadable("there is no such file") from error
    except UnidentifiedImageError as error:
        raise Unreadable(_instead(path)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(f"more than the {MOST_PIXELS} pixels that are read ({error})") from error
    except Exception as error:  # decoders raise what they like on a damaged file
        raise Unreadable(str(error).replace(repr(str(path)), "it") or type(error).__name__) from error


def _instead(path: Path) -> str:
    """What a file is that is no image."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "the file is empty"
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS and not the image: run `git lfs pull`"
    return "no image of a kind that is read, or damaged at its start"


def _sixteen_bit(image: Image.Image, values: np.ndarray) -> np.ndarray:
    bits = getattr(image, "tag_v2", {}).get(258, (16,))
    if image.mode == "I" and max(bits) > 16 and 0 < values.max(initial=0) <= _EIGHT_BIT:
        raise Unreadable("integers of 32 bit that may be of 8 or of 16: save it with 8 or 16 bit")
    if values.min(initial=0) < 0 or values.max(initial=0) > _SIXTEEN_BIT:
        raise Unreadable(f"integers from {values.min()} to {values.max()}, which are neither 8 nor 16 bit: save it with 8 or 16 bit")
    return values.astype(np.float32) / _SIXTEEN_BIT


def _unit_range(values: np.ndarray) -> np.ndarray:
    if not (np.isfinite(values).all() and values.min(initial=0) >= 0 and values.max(initial=0) <= 1):
        raise Unreadable("floating values that are not in [0, 1]: scale them, or save it with 8 or 16 bit")
    return values.astype(np.float32)


def _marked(image: Image.Image, lossy: bool) -> np.ndarray:
    """``(H, W)`` bool: what is not black, whatever its transparency."""
    if image.mode in ("P", "PA"):
        return _by_palette(image)
    if image.mode in ("La", "LA"):
        image = image.convert("LA").getchannel("L")
    elif image.mode not in ("1", "L", "F") and not image.mode.startswith("I"):
        image = image.convert("RGB")
    values = np.asarray(image)
    values = values.max(axis=2) if values.ndim == 3 else values
    threshold = values.max(initial=0) // 2 if lossy else 0
    return np.asarray(values > threshold)


def _by_palette(image: Image.Image) -> np.ndarray:
    indices = np.asarray(image.getchannel("P") if image.mode == "PA" else image)
    colours = np.asarray((image.getpalette("RGB") or []) + [0] * 768)[:768].reshape(256, 3)
    used = colours[np.unique(indices)]
    grey, black = (used == used[:, :1]).all(), (used == 0).all(axis=1).any()
    if colours[0].any() and (black or (grey and len(used) == 1)):
        return np.asarray(colours[indices].any(axis=2))
    return np.asarray(indices != 0)
