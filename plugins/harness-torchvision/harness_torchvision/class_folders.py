"""Images in one folder per class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.api import InputError
from harness.api.image_files.entries import Entry
from harness.api.image_files.walking import LEFT_BEHIND, composed, is_hidden, is_image, shown, walk
from harness_torchvision.mask_names import beside, matched, place_of, unmatched

MASKS = "masks"
_SPLIT_NAMES = {"train", "training", "val", "valid", "validation", "test", "testing"}


@dataclass(frozen=True)
class Folders:
    """Findings in class folders.

    Attributes:
        entries: every image, sorted by its path.
        classes: names, in the order of the folders' names on disk.
        notes: what a person should know of it.
    """

    entries: Sequence[Entry]
    classes: Sequence[str]
    notes: Sequence[str]


def entries_in_folders(root: Path, masks: Path | None, split: str | None) -> Folders:
    """Every image below ``root/CLASS`` (or ``root/SPLIT/CLASS``) with its mask from ``masks`` (by default ``root/masks`` or the split's).

    Files that are no images and folders that systems leave behind are passed over, and noted; a link is followed, but not into a folder
    that it is in. Raises ``ValueError`` where there are no class folders, no images, no such split, or masks that belong to no image.
    """
    base = root if split is None else _split(root, split)
    if not base.is_dir():
        raise InputError(f"split: {root} has no folder {split!r} (it has {shown(_names(_folders(root, [root / MASKS])), 8)})")
    stores = [masks] if masks is not None else [folder for folder in dict.fromkeys((root / MASKS, base / MASKS)) if folder.is_dir()]
    folders = _folders(base, stores)
    _complain_of_layout(base, folders, split)
    entries, notes = _entries(root, base, folders, stores)
    if not entries:
        raise InputError(f"root: there are no images in the class folders of {base} ({shown(_names(folders), 8)})")
    for store in stores:
        entries, said = _masked(entries, root, base, store)
        notes += said
    with_masks = sum(bool(entry.masks) for entry in entries)
    if 0 < with_masks < len(entries):
        notes.append(f"{with_masks} of {len(entries)} images have a mask; one without is {next(e.id for e in entries if not e.masks)}")
    return Folders(sorted(entries, key=lambda entry: entry.id), list(dict.fromkeys(_names(folders))), notes)


def _split(root: Path, split: str) -> Path:
    """The folder of a split, in whatever normal form it is called so; there or not."""
    if (root / split).is_dir():
        return root / split
    return next((folder for folder in _folders(root, []) if composed(folder.name) == composed(split)), root / split)


def _complain_of_layout(base: Path, folders: Sequence[Path], split: str | None) -> None:
    """Raise where what is in a folder is not classes."""
    if not folders:
        loose = [path.name for path in sorted(base.iterdir()) if path.is_file() and is_image(path)]
        if loose:
            raise InputError(
                f"root: {base} has no class folders, but {len(loose)} images ({shown(loose, 3)}): put them into a folder per class, or "
                "list them in a `manifest` with the columns path and label"
            )
        raise InputError(f"root: {base} has no class folders (a folder of images for each class)")
    named = [folder for folder in folders if folder.name.casefold() in _SPLIT_NAMES]
    layered = [
        folder for folder in folders if _SPLIT_NAMES.intersection(_words(folder)) and any(child.is_dir() for child in folder.iterdir())
    ]
    if split is None and (len(named) == len(folders) or len(layered) > 1):
        splits = sorted({*named, *layered}, key=lambda folder: folder.name)
        raise InputError(f"root: the folders of {base} are splits, not classes; choose one with split ({shown(_names(splits), 8)})")


def _words(folder: Path) -> list[str]:
    """The words that a folder's name is made of, as ``training`` and ``set`` of ``Training_set``."""
    return re.split(r"[^a-z]+", folder.name.casefold())


def _entries(root: Path, base: Path, folders: Sequence[Path], stores: Sequence[Path]) -> tuple[list[Entry], list[str]]:
    """The images of all classes, with the masks that lie beside them, and notes."""
    entries: list[Entry] = []
    others: list[Path] = []
    aside: list[Path] = []
    empty = []
    for folder in folders:
        found = walk(folder, without=stores)
        neighbours = beside(found.images)
        taken = {mask for masks in neighbours.owned.values() for mask in masks} | set(neighbours.left)
        aside += sorted(taken)
        others += [*found.others, *neighbours.left]
        images = [path for path in found.images if path not in taken]
        if not images:
            empty.append(composed(folder.name))
        for path in images:
            place = composed(path.relative_to(root).as_posix())
            entries.append(Entry(path, composed(folder.name), place, tuple(neighbours.owned.get(path, ()))))
    for path in sorted(base.iterdir()):
        left_behind = path.is_dir() and (path.name.casefold() in LEFT_BEHIND)
        if (path.is_file() and is_image(path)) or (left_behind and any(map(is_image, walk(path).everything))):
            others.append(path)
    notes = []
    if others:
        names = [path.relative_to(root).as_posix() for path in others]
        notes.append(f"passed over, as no images of a class: {shown(names)} ({len(names)} in all)")
    if aside:
        notes.append(f"{len(aside)} images are taken as masks of those beside them, such as {aside[0].relative_to(root).as_posix()}")
    if empty and len(empty) < len(folders):
        notes.append(f"classes without images: {shown(empty)}")
    if len(folders) == 1 and entries and not any(entry.path.parent == folders[0] for entry in entries):
        below = sorted({entry.path.relative_to(folders[0]).parts[0] for entry in entries})
        notes.append(f"there is one class, {folders[0].name}; where its folders ({shown(below, 3)}) are the classes, root is {folders[0]}")
    return entries, notes


def _masked(entries: Sequence[Entry], root: Path, base: Path, store: Path) -> tuple[list[Entry], list[str]]:
    """The images with their masks in one folder, and notes; raises where none belongs to any."""
    found = walk(store)
    if not found.images:
        raise InputError(f"masks: there are no images in {store} (it has {shown([path.name for path in found.others], 3)})")
    for origin in dict.fromkeys((root, base)):
        places = {entry.id: place_of(entry.path, origin) for entry in entries}
        result = matched(found.images, store, list(dict.fromkeys(places.values())))
        if result.masks:
            break
    elsewhere = [mask for mask in result.left if base != root and mask.relative_to(store).parts[0] in _others(root, base)]
    left = [mask for mask in result.left if mask not in elsewhere]
    if not result.masks and not elsewhere:
        raise InputError(unmatched(found.images, store, entries[0].id))
    notes = []
    if left:
        example = place_of(entries[0].path, origin)
        names = shown([mask.relative_to(store).as_posix() for mask in left], 3)
        notes.append(f"{len(left)} of {len(found.images)} masks in {store} belong to no image: {names} (that of {example} is {example}.*)")
    return [replace(entry, masks=entry.masks + result.masks.get(places[entry.id], ())) for entry in entries], notes


def _others(root: Path, base: Path) -> set[str]:
    """The folders beside a split, whose masks are not the split's."""
    return {folder.name for folder in _folders(root, []) if folder != base}


def _folders(base: Path, stores: Sequence[Path]) -> list[Path]:
    """Folders that may be classes, by name."""
    without = {store.resolve() for store in stores}
    children = (child for child in base.iterdir() if child.is_dir() and not is_hidden(child.name))
    return sorted((child for child in children if child.resolve() not in without), key=lambda child: child.name)


def _names(folders: Sequence[Path]) -> list[str]:
    return [composed(folder.name) for folder in folders]
