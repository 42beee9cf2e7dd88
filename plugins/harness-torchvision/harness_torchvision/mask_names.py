"""Matching of masks to images by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.api import InputError
from harness.api.image_files.decoding import SUFFIXES
from harness.api.image_files.medical import without_suffix
from harness.api.image_files.walking import composed, shown

_ENDING = re.compile(r"(?P<stem>.+?)[ _.-]+(masks?|seg|segmentation|gt|groundtruth|label|annotation)([ _-]?\d+)?", re.IGNORECASE)
_STORES = ("mask", "masks")
_BESIDE = re.compile(r"(?P<stem>.+?)[ _.-]+(masks?|segmentation)([ _-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Matched:
    """Masks by image.

    Attributes:
        masks: of each image that has any, by its place (its path from the root, without suffix).
        left: masks that belong to no image.
    """

    masks: Mapping[str, tuple[Path, ...]]
    left: Sequence[Path]


def place_of(path: Path, folder: Path) -> str:
    """A file's path from a folder, without suffix, in Unicode's composed form."""
    return composed(without_suffix(path.relative_to(folder)).as_posix())


def matched(masks: Sequence[Path], folder: Path, places: Sequence[str]) -> Matched:
    """The masks of images by their places.

    The mask of ``a/b`` is ``a/b.*`` in the folder of masks, or ``a/b_mask.*`` (or ``_seg``, ``_segmentation``, ``_gt``, ``_label``;
    several, as ``a/b_mask_1.*``, are one together), or ``a/b.jpg.*``; or else ``b.*`` or ``b_mask.*`` in a folder of masks without
    folders, where no other image is called ``b``. Raises ``ValueError`` where two files would be the mask of one image.
    """
    known = set(places)
    by_stem: dict[str, list[str]] = defaultdict(list)
    for place in places:
        by_stem[PurePosixPath(place).name].append(place)
    flat = all(mask.parent == folder for mask in masks)
    found: dict[str, list[Path]] = defaultdict(list)
    exact: dict[str, Path] = {}
    left = []
    for mask in masks:
        place = place_of(mask, folder)
        target = _image_of(place, known) or (_alone(place, by_stem) if flat else None)
        if target is None:
            left.append(mask)
            continue
        if PurePosixPath(place).name == PurePosixPath(target).name:
            if target in exact:
                raise InputError(f"masks: {exact[target]} and {mask} are both the mask of {target}: keep one of them")
            exact[target] = mask
        found[target].append(mask)
    return Matched({place: (exact[place],) if place in exact else tuple(paths) for place, paths in found.items()}, left)


@dataclass(frozen=True)
class Neighbours:
    """Masks among images: by the image that owns them, and those in a folder of masks that belong to none."""

    owned: Mapping[Path, Sequence[Path]]
    left: Sequence[Path]


def beside(images: Sequence[Path]) -> Neighbours:
    """The masks that lie among images: ``b_mask.*`` or ``b_mask_1.*`` beside ``b.*``; ``masks/b.*`` beside ``b.*`` or ``images/b.*``."""
    known = {without_suffix(image): image for image in images}
    found: dict[Path, list[Path]] = defaultdict(list)
    stores: dict[Path, list[Path]] = defaultdict(list)
    for image in images:
        within = image.parent.name.casefold() in _STORES
        owner = _owner(image, known, within)
        if owner is not None:
            found[owner].append(image)
        if within:
            stores[image.parent].append(image)
    taken = {mask for masks in found.values() for mask in masks}
    left = [mask for masks in stores.values() if taken.intersection(masks) for mask in masks if mask not in taken]
    return Neighbours(dict(found), left)


def _owner(image: Path, known: Mapping[Path, Path], within: bool) -> Path | None:
    """The image that another one among them is the mask of."""
    stem = without_suffix(image).name
    ending = _BESIDE.fullmatch(stem)
    names = [name for name in (stem, ending and ending["stem"]) if name]
    if within:
        folders = [image.parent.with_name("images"), image.parent.parent]
    else:
        folders, names = [image.parent], names[1:]
    return next((known[folder / name] for folder in folders for name in names if folder / name in known), None)


def unmatched(masks: Sequence[Path], folder: Path, image: str) -> str:
    """Message where no mask belongs to an image; ``image`` is one of them, by its path from the root."""
    place = without_suffix(PurePosixPath(image)).as_posix()
    names = [mask.relative_to(folder).as_posix() for mask in masks]
    return (
        f"masks: none of the {len(masks)} masks in {folder} ({shown(names, 3)}) belongs to an image; the mask of {image} is "
        f"{folder.name}/{place}.*, or {folder.name}/{place}_mask.*"
    )


def _image_of(place: str, known: set[str]) -> str | None:
    """The image that a mask's place names."""
    if place in known:
        return place
    path = PurePosixPath(place)
    if path.suffix.lower() in SUFFIXES and path.with_suffix("").as_posix() in known:
        return path.with_suffix("").as_posix()
    ending = _ENDING.fullmatch(path.name)
    named = None if ending is None else path.with_name(ending["stem"]).as_posix()
    return named if named in known else None


def _alone(place: str, by_stem: Mapping[str, list[str]]) -> str | None:
    """The image of a mask that lies in no folder, where one alone has its name."""
    stem = _image_of(PurePosixPath(place).name, set(by_stem))
    found = by_stem.get(stem or "", [])
    if len(found) > 1:
        raise InputError(
            f"masks: {PurePosixPath(place).name}.* might be the mask of {shown(found, 3)}: put masks into folders as the images are"
        )
    return found[0] if found else None
