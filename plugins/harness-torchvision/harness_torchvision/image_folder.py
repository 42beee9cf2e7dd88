"""The dataset ``image-folder``: one's own images, in class folders or listed in a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.walking import existing_folder
from harness_torchvision.class_folders import entries_in_folders
from harness_torchvision.manifest import entries_in_manifest


@dataset(selection={"samples", "seed", "unreadable", "masks"})
def image_folder(
    *,
    root: Path,
    manifest: Path | None = None,
    masks: Path | None = None,
    split: str | None = None,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """One's own images: a folder per class, or a CSV manifest, with masks and boxes where there are any.

    The manifest and masks are taken from ``root`` where they are not absolute, or else from the working folder. Grey images of 16 bit keep
    their depth; transparency is dropped, as torchvision drops it; of animations the first frame counts; EXIF's orientation is applied.
    Of DICOM (with pydicom) and NIfTI files (with nibabel) the first window is shown, or all values from the least to the greatest, in
    square pixels; of several slices the middle one, or in a manifest that of ``scan.nii.gz#80``, counted from 1. Names are the same in
    either normal form of Unicode. What is passed over or guessed is in the run's notes.

    A mask is what is not black and not transparent; of a palette, the indices that are not 0. It is of the image as it is shown (one of the
    size that EXIF turns is turned alike), and scaled to the nearest pixel where it has the proportions but not the size of the image.

    Raises ``ValueError`` for what is not there or is not as it should be.

    Args:
        root: the folder of the images, ``root/CLASS/…``, or with ``split`` ``root/SPLIT/CLASS/…``. A model without class names has them in
            the order of text, as in torchvision's ImageFolder, whatever numbers they are.
        manifest: a CSV file in place of class folders, with ``path,label`` and optionally ``id``, ``mask``, ``boxes`` (JSON
            ``[[x0, y0, x1, y1], …]`` in pixels of the image as it is shown) and ``split``; where all labels are whole numbers, ``10`` or
            ``10.0``, they are classes of the model.
        masks: the folder of the masks, by default ``root/masks``; that of ``root/a/b.jpg`` is ``masks/a/b.*`` or ``masks/a/b_mask.*``, or
            in a folder without folders ``masks/b.*``, or beside it ``a/b_mask.*`` or ``a/masks/b.*``, and an image may have none.
        split: the folder below ``root``, or the manifest's column, that images are taken of; by default there are no splits.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    root = existing_folder(root)
    if manifest is None:
        found = entries_in_folders(root, None if masks is None else _masks(root, masks), split)
        return choose_images(root, found.entries, found.classes, samples=samples, seed=seed, unreadable=unreadable, notes=found.notes)
    if masks is not None:
        raise InputError("masks: a manifest names each mask in its column `mask`")
    lists = [root / manifest.expanduser(), manifest.expanduser()]
    entries, names, notes = entries_in_manifest(next(filter(Path.is_file, lists), lists[0]), root, split)
    return choose_images(root, entries, names, samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def _masks(root: Path, given: Path) -> Path:
    """The folder of masks that is given, looked for in ``root`` and then in the working folder."""
    found = next((path for path in (root / given.expanduser(), given.expanduser()) if path.is_dir()), None)
    if found is None:
        raise InputError(f"masks: there is no folder {given}, neither in {root} nor in the working folder")
    return found
