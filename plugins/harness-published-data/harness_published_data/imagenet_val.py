"""The dataset ``imagenet-val``: the validation images of ImageNet (ILSVRC 2012) with boxes, as its publisher or Kaggle has them.

Layouts: https://image-net.org/challenges/LSVRC/2012 (``ILSVRC2012_img_val``, ``ILSVRC2012_devkit_t12``, ``ILSVRC2012_bbox_val_v3``) and
https://www.kaggle.com/competitions/imagenet-object-localization-challenge (``LOC_val_solution.csv``, ``LOC_synset_mapping.txt``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from scipy.io import loadmat

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.entries import Entry
from harness_published_data.annotations import Box, read_objects
from harness_published_data.citations import RUSSAKOVSKY_2015
from harness_published_data.layout import Layout
from harness_published_data.tables import lines_of, rows_of

SYNSETS = 1000
IMAGES = ("ILSVRC/Data/CLS-LOC/val", "Data/CLS-LOC/val", "ILSVRC2012_img_val", "val", ".")
"""Where the images may be, in one folder or in a folder for each synset."""
BOXES = ("ILSVRC/Annotations/CLS-LOC/val", "Annotations/CLS-LOC/val", "ILSVRC2012_bbox_val_v3/val", "ILSVRC2012_bbox_val_v3", "val")
DEVKITS = ("ILSVRC2012_devkit_t12/data", "data", ".")
TRUTH, META = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"
_FOLDERS = [f"{folder}/n????????" for folder in IMAGES]
_NAME = re.compile(r"ILSVRC2012_val_(\d{8})\.jpe?g", re.IGNORECASE)
LAYOUT = Layout(
    name="the validation set of ImageNet",
    source="image-net.org (ILSVRC 2012) or Kaggle (imagenet-object-localization-challenge)",
    tree="""
val/ILSVRC2012_val_00000001.JPEG …                  (or ILSVRC/Data/CLS-LOC/val; in one folder, or in one for each synset)
ILSVRC2012_devkit_t12/data/meta.mat                 (or LOC_synset_mapping.txt, or folders of 1000 synsets)
ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt    (or LOC_val_solution.csv, or folders of synsets)
ILSVRC2012_bbox_val_v3/val/ILSVRC2012_val_00000001.xml …    (or ILSVRC/Annotations/CLS-LOC/val; where there are to be boxes)
""",
    needed=[
        "|".join(f"{folder}/{images}" for folder in IMAGES for images in ("ILSVRC2012_val_*", "n????????/ILSVRC2012_val_*")),
        "|".join(["LOC_synset_mapping.txt", *(f"{folder}/{META}" for folder in DEVKITS), *_FOLDERS]),
        "|".join(["LOC_val_solution.csv", *(f"{folder}/{TRUTH}" for folder in DEVKITS), *_FOLDERS]),
    ],
)


@dataset(selection={"samples", "seed", "unreadable"}, cite=RUSSAKOVSKY_2015)
def imagenet_val(
    *,
    root: Path,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """The 50 000 validation images of ImageNet (ILSVRC 2012) and the boxes round the objects of their class (Russakovsky et al. 2015).

    A label is the place of the synset among the thousand in the order of text, which is what torchvision's networks have: labels are
    numbers of the model's classes, since the names of some are alike. Boxes are as they are written, from the XML files or else from
    ``LOC_val_solution.csv``. A part of the images is enough.

    Args:
        root: the folder with the images, and what tells their synsets.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    files = _images(base)
    solved = _solution(base)
    truth, synsets = _truth(base, files, solved), _synsets(base, files)
    annotations = next((base / folder for folder in BOXES if next((base / folder).glob("ILSVRC2012_val_*.xml"), None)), None)
    entries, without = [], 0
    for name in sorted(files):
        synset = truth[name]
        boxes = _boxes(name, synset, annotations, solved)
        if synset not in synsets:
            raise InputError(f"root: {files[name]} is of the synset {synset!r}, which is none of the {SYNSETS} ({base})")
        without += boxes is None
        entries.append(Entry(files[name], synsets[synset], name, boxes=boxes))
    notes = [f"{without} of {len(entries)} images have no boxes"] if without else []
    return choose_images(base, entries, None, samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def _images(base: Path) -> dict[str, Path]:
    """Images by their name without suffix."""
    for folder in IMAGES:
        found = {
            path.stem: path for pattern in ("*", "n????????/*") for path in (base / folder).glob(pattern) if _NAME.fullmatch(path.name)
        }
        if found:
            return found
    raise LAYOUT.lacks(f"there are no images ILSVRC2012_val_….JPEG in {base}")


def _synsets(base: Path, files: dict[str, Path]) -> dict[str, int]:
    """The thousand synsets and their places in the order of text."""
    mapping = base / "LOC_synset_mapping.txt"
    devkit = _in_devkit(base, META)
    if mapping.is_file():
        found, source = {line.split()[0] for line in lines_of(mapping)}, str(mapping)
    elif devkit is not None:
        found, source = set(_devkit_synsets(devkit).values()), str(devkit)
    else:
        found, source = {path.parent.name for path in files.values()}, "the folders of the images"
    if len(found) != SYNSETS:
        raise LAYOUT.lacks(f"{source} should name the {SYNSETS} synsets in whose order classes are counted, and has {len(found)}")
    return {synset: place for place, synset in enumerate(sorted(found))}


def _truth(base: Path, files: dict[str, Path], solved: dict[str, dict[str, tuple[Box, ...]]]) -> dict[str, str]:
    """Synsets of images by their names."""
    listed, meta = _in_devkit(base, TRUTH), _in_devkit(base, META)
    if solved:
        truth = {name: next(iter(its), "") for name, its in solved.items()}
    elif listed is not None and meta is not None:
        synsets, numbers = _devkit_synsets(meta), lines_of(listed)
        truth = {name: synsets.get(_number(numbers, name), "") for name in files}
    elif all(re.fullmatch(r"n\d{8}", path.parent.name) for path in files.values()):
        truth = {name: path.parent.name for name, path in files.items()}
    else:
        raise LAYOUT.lacks(f"nothing in {base} tells the synsets of the images")
    unknown = sorted(name for name in files if not truth.get(name))
    if unknown:
        raise InputError(f"root: {base} tells no synset of {len(unknown)} of {len(files)} images, such as {unknown[0]}")
    return truth


def _number(numbers: Sequence[str], name: str) -> int:
    place = int(name.rpartition("_")[2]) - 1
    return int(numbers[place]) if 0 <= place < len(numbers) and numbers[place].isdecimal() else 0


def _in_devkit(base: Path, name: str) -> Path | None:
    return next((base / folder / name for folder in DEVKITS if (base / folder / name).is_file()), None)


def _devkit_synsets(meta: Path) -> dict[int, str]:
    """Synsets by their ILSVRC2012_ID, those of classes (which have no children)."""
    try:
        rows = loadmat(meta, squeeze_me=True)["synsets"]
        return {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in rows if int(row["num_children"]) == 0}
    except Exception as error:  # a damaged file raises what it likes
        raise InputError(f"root: {meta} cannot be read: {error}") from error


def _solution(base: Path) -> dict[str, dict[str, tuple[Box, ...]]]:
    """Boxes of each synset of each image in ``LOC_val_solution.csv``: ``n01978287 240 170 260 240 n01978287 …``."""
    file = base / "LOC_val_solution.csv"
    found: dict[str, dict[str, tuple[Box, ...]]] = {}
    for row in rows_of(file, ("imageid", "predictionstring")) if file.is_file() else ():
        words = row["predictionstring"].split()
        try:
            its = found.setdefault(row["imageid"], {})
            for start in range(0, len(words), 5):
                synset, *corners = words[start : start + 5]
                x0, y0, x1, y1 = map(float, corners)
                its[synset] = (*its.get(synset, ()), (x0, y0, x1, y1))
        except ValueError as error:
            raise InputError(f"root: {file}: {row['imageid']} has no synsets with four numbers each") from error
    return found


def _boxes(name: str, synset: str, annotations: Path | None, solved: dict[str, dict[str, tuple[Box, ...]]]) -> tuple[Box, ...] | None:
    """Boxes of an image's own synset; None if there are none."""
    if annotations is not None and (annotations / f"{name}.xml").is_file():
        return tuple(one.box for one in read_objects(annotations / f"{name}.xml") if one.name == synset) or None
    return solved.get(name, {}).get(synset)
