"""The dataset ``funnybirds``: rendered birds of known parts, with maps of the parts (FunnyBirds).

Layout: https://github.com/visinf/funnybirds-framework (``datasets/funny_birds.py``; the archive is FunnyBirds.zip): images are numbered by
their place in ``dataset_train.json`` or ``dataset_test.json``, and the colours of a part map are parts.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.decoding import decode_image, opened
from harness.api.image_files.entries import Entry, EvidenceReader
from harness.api.image_files.traits import Unreadable
from harness_published_data.citations import HESSE_2023
from harness_published_data.layout import Layout
from harness_published_data.splits import Share, Split, training_part

COLOURS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "beak": ((255, 255, 0),),
    "eye": ((255, 255, 253), (255, 255, 254)),
    "foot": ((255, 0, 1), (255, 0, 2)),
    "tail": ((0, 0, 255),),
    "wing": ((0, 255, 1), (0, 255, 2)),
}
"""Parts, and what they look like in a part map: pairs of a part have two colours."""
LAYOUT = Layout(
    name="FunnyBirds",
    source="github.com/visinf/funnybirds-framework (FunnyBirds.zip)",
    tree="""
dataset_train.json
dataset_test.json
classes.json
train/0/000000.png …
train_part_map/0/000000.png …    (where there are to be masks)
test/…, test_part_map/…          the same
test_interventions/0/000000/body_beak_eye_foot_tail.png …    (where there are to be counterfactuals)
""",
    needed=["dataset_train.json", "dataset_test.json", "classes.json", "train", "test"],
)


@dataset(selection={"samples", "seed", "unreadable"}, cite=HESSE_2023)
def funnybirds(
    *,
    root: Path,
    split: Split = "test",
    validation_share: Share = 0.2,
    split_seed: int = 0,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """50 500 rendered birds of 50 classes that differ in their beak, eyes, feet, tail and wings (Hesse et al. 2023).

    The mask is all that can be seen of these five parts, which alone tell the class; evidence of the kind ``parts`` (5, H, W) has each, in
    this order of the alphabet, and ``counterfactuals`` (5, 3, H, W), of the test images, the picture without each. Classes are called by
    their numbers.

    Args:
        root: the folder with ``dataset_test.json`` and ``test``.
        split: ``test`` as published; ``train`` and ``validation`` are parts of the published training images.
        validation_share: how much of each class of these is for validation; at 0 ``train`` is all of them.
        split_seed: each gives another division of them.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    part = "test" if split == "test" else "train"
    classes = [str(number) for number in sorted(int(one["class_idx"]) for one in _read_list(base / "classes.json"))]
    maps, removed = base / f"{part}_part_map", base / f"{part}_interventions"
    entries = []
    for place, params in enumerate(_read_list(base / f"dataset_{part}.json")):
        label, name = str(params["class_idx"]), f"{place:06d}.png"
        if label not in classes:
            raise InputError(f"root: {base / f'dataset_{part}.json'}: number {place} is of the class {label}, which classes.json has not")
        drawn = maps / label / name
        evidence: dict[str, EvidenceReader] = {}
        if maps.is_dir():
            evidence |= {"mask": partial(read_any_part, drawn), "parts": partial(read_parts, drawn)}
        if removed.is_dir():
            evidence["counterfactuals"] = partial(read_without_parts, removed / label / f"{place:06d}")
        entries.append(Entry(base / part / label / name, label, f"{part}/{label}/{name}", evidence=evidence))
    if not entries:
        raise InputError(f"root: {base / f'dataset_{part}.json'} lists no image")
    entries, notes = LAYOUT.present(base, entries, unreadable)
    if not maps.is_dir():
        notes.append(f"no masks: there is no folder {maps}")
    if split != "test":
        entries = training_part(entries, split, lambda entry: entry.id, validation_share, split_seed)
    return choose_images(base, entries, classes, samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def read_parts(file: Path, size: tuple[int, int]) -> Tensor:
    """What can be seen of each part ``(5, H, W)`` bool, by `COLOURS`; raises ``ValueError`` that names the file."""
    try:
        with opened(file) as image:
            pixels = np.asarray(image.convert("RGB"))
    except Unreadable as fault:
        raise InputError(f"{file}: {fault}") from fault
    if pixels.shape[:2] != size:
        raise InputError(f"{file}: {pixels.shape[:2]} for an image of {size} (height, width)")
    return torch.from_numpy(np.stack([_coloured(pixels, colours) for colours in COLOURS.values()]))


def read_without_parts(folder: Path, size: tuple[int, int]) -> Tensor:
    """The picture without each of the five parts ``(5, 3, H, W)`` in [0, 1], which is called by those that are left.

    Raises ``ValueError`` that names the file.
    """
    pictures = []
    for part in COLOURS:
        file = folder / f"body_{'_'.join(other for other in COLOURS if other != part)}.png"
        try:
            picture = decode_image(file)
        except Unreadable as fault:
            raise InputError(f"{file}: {fault}") from fault
        if tuple(picture.shape[1:]) != size:
            raise InputError(f"{file}: {tuple(picture.shape[1:])} for an image of {size} (height, width)")
        pictures.append(picture)
    return torch.stack(pictures)


def read_any_part(file: Path, size: tuple[int, int]) -> Tensor | None:
    """What can be seen of all parts ``(H, W)`` bool, None for nothing; raises ``ValueError`` that names the file."""
    mask = read_parts(file, size).any(dim=0)
    return mask if mask.any() else None


def _coloured(pixels: NDArray[np.uint8], colours: tuple[tuple[int, int, int], ...]) -> NDArray[np.bool_]:
    return np.any([(pixels == colour).all(axis=2) for colour in colours], axis=0)


def _read_list(file: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"root: {file} cannot be read: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) and isinstance(one.get("class_idx"), int) for one in found):
        raise InputError(f"root: {file} is no list of objects with a class_idx")
    return found
