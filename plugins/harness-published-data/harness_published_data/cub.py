"""The dataset ``cub``: photographs of two hundred kinds of birds, with boxes, outlines and places of parts (CUB-200-2011).

Layout: the README in https://data.caltech.edu/records/65de6-vp158; outlines, whose levels say how many of five people drew a pixel, are in
an archive of their own, https://data.caltech.edu/records/w9d68-gec53.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.decoding import opened
from harness.api.image_files.entries import Entry
from harness.api.image_files.mask_files import fitted
from harness.api.image_files.traits import Traits, Unreadable
from harness_published_data.citations import WAH_2011
from harness_published_data.layout import Layout
from harness_published_data.splits import Share, Split, training_part
from harness_published_data.tables import lines_of

HALF = 127
Point = tuple[float, float]
LAYOUT = Layout(
    name="CUB-200-2011",
    source="data.caltech.edu/records/65de6-vp158",
    tree="""
images.txt
classes.txt
image_class_labels.txt
train_test_split.txt
bounding_boxes.txt
images/001.Black_footed_Albatross/*.jpg
parts/parts.txt
parts/part_locs.txt
segmentations/001.Black_footed_Albatross/*.png    (of records/w9d68-gec53, here or beside this folder, where there are to be masks)
""",
    needed=[
        "images.txt",
        "classes.txt",
        "image_class_labels.txt",
        "train_test_split.txt",
        "bounding_boxes.txt",
        "images",
        "parts/part_locs.txt",
    ],
)


@dataset(selection={"samples", "seed", "unreadable"}, cite=WAH_2011)
def cub(
    *,
    root: Path,
    split: Split = "test",
    validation_share: Share = 0.2,
    split_seed: int = 0,
    part_radius: Annotated[float, Field(gt=0, le=1)] = 0.05,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """11 788 photographs of 200 kinds of birds with a box each, outlines where there are any, and 15 parts (Wah et al. 2011).

    A mask has the pixels that more than half of the people drew. Evidence of the kind ``parts`` (15, H, W) has a disc about the place of
    each part that can be seen: the publisher has points, the discs are ours.

    Args:
        root: ``CUB_200_2011``, with ``images.txt``; ``segmentations`` may be in it or beside it.
        split: ``test`` as published; ``train`` and ``validation`` are parts of the published training images.
        validation_share: how much of each class of these is for validation; at 0 ``train`` is all of them.
        split_seed: each gives another division of them.
        part_radius: that of the discs, as a share of the longer side of the bird's box.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    names, paths = _column(base / "classes.txt"), _column(base / "images.txt")
    labels, training = _column(base / "image_class_labels.txt"), _column(base / "train_test_split.txt")
    boxes = {image: _box(base, image, text) for image, text in _column(base / "bounding_boxes.txt").items()}
    points = _points(base / "parts" / "part_locs.txt")
    outlines = next((folder for folder in (base / "segmentations", base.parent / "segmentations") if folder.is_dir()), None)
    entries = []
    for image, path in paths.items():
        try:
            label, box, tested = names[labels[image]], boxes[image], training[image] == "0"
        except KeyError as error:
            raise InputError(f"root: {base}: the lists say nothing of {path} (image {image}, {error.args[0]!r})") from error
        if tested != (split == "test"):
            continue
        evidence = {"parts": partial(draw_parts, points.get(image, ()), part_radius * max(box[2] - box[0], box[3] - box[1]))}
        if outlines is not None:
            evidence["mask"] = partial(read_outline, outlines / Path(path).with_suffix(".png"))
        entries.append(Entry(base / "images" / path, label, path, boxes=(box,), evidence=evidence))
    if not entries:
        raise InputError(f"root: the lists in {base} have no image of the split {split!r}")
    entries, notes = LAYOUT.present(base, entries, unreadable)
    if not points:
        notes.append(f"no parts: {base / 'parts' / 'part_locs.txt'} has none")
    if outlines is None:
        notes.append(f"no masks: there is no folder segmentations in {base} or beside it")
    if split != "test":
        entries = training_part(entries, split, lambda entry: entry.id, validation_share, split_seed)
    return choose_images(base, entries, list(names.values()), samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def read_outline(file: Path, size: tuple[int, int]) -> Tensor | None:
    """What more than half of the people drew ``(H, W)`` bool, None for nothing; raises ``ValueError`` that names the file."""
    try:
        with opened(file) as image:
            mask = fitted(torch.from_numpy(np.asarray(image.convert("L")) > HALF), Traits(size))
    except (Unreadable, ValueError) as fault:
        raise InputError(f"{file}: {fault}") from fault
    return mask if mask.any() else None


def draw_parts(points: Sequence[Point | None], radius: float, size: tuple[int, int]) -> Tensor | None:
    """A disc about each point ``(K, H, W)`` bool, empty for None; None if there are no points."""
    if not points:
        return None
    rows, columns = torch.arange(size[0])[:, None] + 0.5, torch.arange(size[1])[None] + 0.5
    none = torch.zeros(size, dtype=torch.bool)
    reach = max(radius, math.sqrt(0.5))  # at least the pixel that the point is in
    return torch.stack([none if point is None else (columns - point[0]) ** 2 + (rows - point[1]) ** 2 <= reach**2 for point in points])


def _column(file: Path) -> dict[str, str]:
    """What stands behind the number in each line of a list."""
    pairs = [line.partition(" ") for line in lines_of(file)]
    return {number: text.strip() for number, _, text in pairs}


def _box(base: Path, image: str, text: str) -> tuple[float, float, float, float]:
    try:
        x, y, width, height = map(float, text.split())
    except ValueError as error:
        raise InputError(f"root: {base / 'bounding_boxes.txt'}: image {image} has no x, y, width and height: {text!r}") from error
    return x, y, x + width, y + height


def _points(file: Path) -> dict[str, list[Point | None]]:
    """The places of the parts of each image in the order of their numbers, None for what cannot be seen."""
    found: dict[str, dict[int, Point | None]] = {}
    for number, line in enumerate(lines_of(file), start=1):
        try:
            image, part, x, y, visible = line.split()
            found.setdefault(image, {})[int(part)] = (float(x), float(y)) if visible == "1" else None
        except ValueError as error:
            raise InputError(f"root: {file}:{number}: no image, part, x, y and visibility: {line!r}") from error
    return {image: [parts[number] for number in sorted(parts)] for image, parts in found.items()}
