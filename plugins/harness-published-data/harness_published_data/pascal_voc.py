"""The dataset ``pascal-voc``: photographs of twenty kinds of objects, with boxes and outlines.

Layout: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/index.html; boxes are of whole pixels, counted from 1, both ends
included; outlines are palette images whose indices are classes in the order of the alphabet, 0 the background and 255 what is not labelled.
"""

from __future__ import annotations

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
from harness.api.image_files.traits import Unreadable
from harness_published_data.annotations import Box, read_objects
from harness_published_data.citations import EVERINGHAM_2010
from harness_published_data.layout import Layout
from harness_published_data.splits import Split
from harness_published_data.tables import lines_of

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog", "horse", "motorbike",
    "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
LISTS: dict[Split, str] = {"train": "train", "validation": "val", "test": "test"}
LAYOUT = Layout(
    name="PASCAL VOC",
    source="host.robots.ox.ac.uk/pascal/VOC (VOCdevkit/VOC2012)",
    tree="""
JPEGImages/2007_000027.jpg
Annotations/2007_000027.xml
ImageSets/Main/train.txt, val.txt            (test.txt in VOC2007)
ImageSets/Segmentation/train.txt, val.txt
SegmentationClass/2007_000032.png            (where there are to be masks)
""",
    needed=["JPEGImages", "Annotations", "ImageSets/Main"],
)


@dataset(selection={"samples", "seed", "unreadable"}, cite=EVERINGHAM_2010)
def pascal_voc(
    *,
    root: Path,
    split: Split = "validation",
    images: Literal["single", "each"] = "single",
    outlined: bool = False,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """Photographs of PASCAL VOC (2007 to 2012) with the boxes, and where there are any the outlines, of the objects of the class.

    An image may show objects of several classes, and a classifier here has one class for it: see ``images``. What its publisher counts as
    difficult is an object like any other. A mask has what is labelled as the class, without the rims that are not labelled.

    Args:
        root: one year's folder, with ``JPEGImages``, ``Annotations`` and ``ImageSets``.
        split: the published ``train``, ``val`` or (of 2007) ``test``.
        images: ``single``: the images whose objects are all of one class; ``each``: a sample for each image and class in it, as the
            pointing game is played.
        outlined: whether only the images with outlines are taken, by the lists in ``ImageSets/Segmentation``.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    listed = base / "ImageSets" / ("Segmentation" if outlined else "Main") / f"{LISTS[split]}.txt"
    if not listed.is_file():
        raise LAYOUT.lacks(f"there is no {listed}, the list of the split {split!r}")
    entries = []
    for name in lines_of(listed):
        boxes = _boxes(base / "Annotations" / f"{name}.xml")
        outlines = base / "SegmentationClass" / f"{name}.png"
        for label, its in boxes.items() if images == "each" or len(boxes) == 1 else ():
            mask = {"mask": partial(read_outline, outlines, CLASSES.index(label) + 1)} if outlines.is_file() else {}
            id = f"{name}#{label}" if images == "each" else name
            entries.append(Entry(base / "JPEGImages" / f"{name}.jpg", label, id, boxes=tuple(its), evidence=mask))
    if not entries:
        raise InputError(f"images: {images}, and there are none in {listed}")
    entries, notes = LAYOUT.present(base, entries, unreadable)
    return choose_images(base, entries, CLASSES, samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def read_outline(file: Path, index: int, size: tuple[int, int]) -> Tensor | None:
    """What has an index of the palette, ``(H, W)`` bool; None if nothing has. Raises ``ValueError`` that names the file."""
    try:
        with opened(file) as image:
            indices = np.asarray(image)
    except Unreadable as fault:
        raise InputError(f"{file}: {fault}") from fault
    if indices.shape != size:
        raise InputError(f"{file}: {indices.shape} for an image of {size} (height, width)")
    mask = indices == index
    return torch.from_numpy(mask) if mask.any() else None


def _boxes(file: Path) -> dict[str, list[Box]]:
    """Boxes by class, x0, y0, x1, y1 in pixels counted from 0, the last beyond the object."""
    found: dict[str, list[Box]] = {}
    for one in read_objects(file):
        if one.name not in CLASSES:
            raise InputError(f"root: {file} has an object {one.name!r}, which is none of {', '.join(CLASSES)}")
        x0, y0, x1, y1 = one.box
        found.setdefault(one.name, []).append((x0 - 1, y0 - 1, x1, y1))
    return dict(sorted(found.items()))
