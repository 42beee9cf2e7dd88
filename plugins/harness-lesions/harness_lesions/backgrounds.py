"""Backgrounds: the procedural phantom, the MNI152 template, or axial slices from a folder of the user's own."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from harness.api import InputError, exact
from harness.api.image_files.decoding import opened
from harness.api.image_files.planes import as_unreadable, optional_library
from harness.api.image_files.traits import Unreadable
from harness.api.image_files.walking import walk
from harness.api.randomness import stream_seed
from harness_lesions.bank import CLASSES, SPLITS, Split
from harness_lesions.phantom import GREATEST, brain_phantom, scanned
from harness_lesions.rendering import Image
from harness_lesions.shapes import Mask
from harness_lesions.template import cut, template

SIDE = 270
"""Slices are padded and cropped to this many pixels, as in the paper."""
MOST_BLACK = 0.55
SHARES: dict[Split, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}
LOWEST, HIGHEST = -16.0, 31.0
"""Levels of the template (mm above the anterior commissure) at which slices are large enough."""
PICTURES, VOLUMES = (".png",), (".nii", ".nii.gz")


class Backgrounds(Protocol):
    """Gives the background of a sample ``(side, side)`` in [0, 0.7] and where its brain is."""

    def __call__(self, index: int, generator: np.random.Generator) -> tuple[Image, Mask]:
        """Background of sample ``index``; ``generator`` is that sample's own."""
        ...


def phantoms(side: int) -> Backgrounds:
    """Procedural phantoms, a new one for each sample."""
    return lambda index, generator: brain_phantom(side, generator)


def template_slices(side: int) -> Backgrounds:
    """Axial slices of the MNI152 template, another brain for each sample: those of which less than 55 % is black.

    Black outside the brain, as slices are whose skull was taken off. Raises ``ImportError`` where nilearn is not installed.
    """
    template()

    def background(index: int, generator: np.random.Generator) -> tuple[Image, Mask]:
        while True:
            levels = cut("axial", generator.uniform(LOWEST, HIGHEST), side, generator).levels
            image = np.where(levels > 0, scanned(levels, generator), np.float32(0))
            if is_large(image):
                return image, brain_of(image)

    return background


def is_large(image: Image) -> bool:
    """Whether less than 55 % is black."""
    return bool(np.mean(image <= image.max() * 0.01) < MOST_BLACK)


def folder(path: Path, split: Split, side: int, seed: int) -> Backgrounds:
    """Slices of one split of a folder of ``.nii``, ``.nii.gz`` or ``.png`` files, taken in a seeded order.

    Each file is behind a sample of each class, and then the next.
    Volumes give every axial slice of which less than 55 % is black; they should be skull-stripped, as the paper's are: what is not
    black counts as brain. Splits share no file. Raises ``ValueError`` where there are fewer than three files, or one cannot be read or has
    no such slice.
    """
    files = split_files(found_files(path), split, seed)
    order = np.random.default_rng(stream_seed(seed, split, "backgrounds")).permutation(len(files))

    def background(index: int, generator: np.random.Generator) -> tuple[Image, Mask]:
        turn = index // len(CLASSES)  # not the index: were the number of files even, each would have a class of its own
        slices = eligible_slices(files[order[turn % len(files)]])
        image = fitted(slices[generator.integers(len(slices))].astype(np.float32) / 255 * GREATEST, side)
        return image, brain_of(image)

    return background


def found_files(path: Path) -> list[Path]:
    """All slices and volumes under ``path`` that are not hidden, by name."""
    if not path.is_dir():
        raise InputError(f"backgrounds: {path} is no folder")
    files = [file for file in walk(path).images if file.name.lower().endswith(PICTURES + VOLUMES)]
    if len(files) < len(SPLITS):
        raise InputError(
            f"backgrounds: {path} has {len(files)} .png, .nii or .nii.gz files; at least {len(SPLITS)} are needed, one a split"
        )
    return files


def split_files(files: list[Path], split: Split, seed: int) -> list[Path]:
    """The files of one split, in a seeded order: about 70, 10 and 20 % of them, at least one each."""
    shuffled = [files[i] for i in np.random.default_rng(stream_seed(seed, "all", "background-splits")).permutation(len(files))]
    spare = len(files) - len(SPLITS)
    held_out = {name: 1 + int(spare * SHARES[name]) for name in SPLITS[1:]}
    first = {"test": 0, "validation": held_out["test"], "train": held_out["test"] + held_out["validation"]}[split]
    return shuffled[first : first + held_out[split]] if split in held_out else shuffled[first:]


@lru_cache(maxsize=16)
def eligible_slices(file: Path) -> NDArray[np.uint8]:
    """Slices ``(N, 270, 270)`` of one file, 255 at each slice's brightest pixel."""
    try:
        slices = [picture(file)] if file.name.lower().endswith(PICTURES) else volume(file)
    except Unreadable as fault:
        raise InputError(f"backgrounds: {file}: {fault}") from fault
    kept = [scaled(cropped(one)) for one in slices if is_large(one)]
    if not kept:
        raise InputError(f"backgrounds: {file} has no slice that is less than {MOST_BLACK:.0%} black")
    return np.stack(kept)


def picture(file: Path) -> NDArray[np.float32]:
    """A PNG as grey values; raises `Unreadable`."""
    with opened(file) as image:
        return np.asarray(image.convert("F"), dtype=np.float32)


def volume(file: Path) -> list[NDArray[np.float32]]:
    """The axial slices of a volume from bottom to top, the front of the head up; raises `Unreadable`."""
    nibabel = optional_library("nibabel", "NIfTI files")
    with as_unreadable(file):
        image = nibabel.load(file)
        if len(image.shape) not in (3, 4):
            raise Unreadable(f"no volume: its shape is {image.shape}")
        voxels = np.asarray(nibabel.as_closest_canonical(image).dataobj, dtype=np.float32)
    voxels = np.nan_to_num(voxels[..., 0] if voxels.ndim == 4 else voxels).clip(0)
    return [np.rot90(voxels[:, :, level]) for level in range(voxels.shape[2])]


def cropped(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Padded with black and cropped about the centre to 270 × 270."""
    missing = [max(0, SIDE - side) for side in image.shape]
    padded = np.pad(image, [(gap // 2, gap - gap // 2) for gap in missing])
    top, left = ((side - SIDE) // 2 for side in padded.shape)
    return padded[top : top + SIDE, left : left + SIDE]


def scaled(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Divided by its greatest value, as bytes."""
    return np.rint(image / image.max() * 255).astype(np.uint8)


def fitted(image: Image, side: int) -> Image:
    """Brought from 270 pixels to ``side``, smoothed first where it becomes smaller."""
    if side == len(image):
        return image
    factor = side / len(image)
    smooth = exact.gaussian_filter(image, max(0.0, (1 / factor - 1) / 2))
    return np.asarray(ndimage.zoom(smooth, factor, order=1, mode="nearest", grid_mode=True), dtype=np.float32).clip(0, GREATEST)


def brain_of(image: Image) -> Mask:
    """Mask of the brain of a skull-stripped slice: the largest part that is not black, without holes and without its rim."""
    labels, count = ndimage.label(image > 0.05 * GREATEST)
    if count == 0:
        return np.zeros(image.shape, dtype=bool)
    largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    rim = max(1, round(len(image) / 135))
    return np.asarray(ndimage.binary_erosion(ndimage.binary_fill_holes(largest), iterations=rim))
