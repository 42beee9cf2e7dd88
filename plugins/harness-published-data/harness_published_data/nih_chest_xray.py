"""The dataset ``nih-chest-xray``: radiographs with findings, and boxes round some of them (ChestX-ray14), as the NIH and Kaggle have them.

Layouts: https://nihcc.app.box.com/v/ChestXray-NIHCC (``images/*.png``) and https://www.kaggle.com/datasets/nih-chest-xrays/data
(``images_001/images/*.png`` …). The heading of ``BBox_List_2017.csv`` is ``Image Index,Finding Label,Bbox [x,y,w,h],,,``: by place.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.entries import Entry
from harness.api.image_files.walking import walk
from harness_published_data.citations import WANG_2017
from harness_published_data.layout import Layout
from harness_published_data.splits import Share, Split, training_part
from harness_published_data.tables import lines_of, rows_of

NOTHING = "No Finding"
FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia", "Infiltration", "Mass",
    "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax",
)  # fmt: skip
CLASSES = (NOTHING, *FINDINGS)
_OTHER_SPELLING = {"Infiltrate": "Infiltration"}  # of the list of boxes
_TEST, _REST = "test_list.txt", "train_val_list.txt"
LAYOUT = Layout(
    name="ChestX-ray14 of the NIH",
    source="nihcc.app.box.com/v/ChestXray-NIHCC or Kaggle (nih-chest-xrays/data)",
    tree="""
Data_Entry_2017.csv
BBox_List_2017.csv
test_list.txt
train_val_list.txt
images/*.png    (or images_001/images/*.png …)
""",
    needed=["Data_Entry_2017*.csv", "BBox_List_2017.csv", _TEST, _REST, "*/*.png|*/*/*.png"],
)
Box = tuple[float, float, float, float]


@dataset(selection={"samples", "seed", "unreadable"}, cite=WANG_2017)
def nih_chest_xray(
    *,
    root: Path,
    images: Literal["boxed", "single"] = "boxed",
    split: Split = "test",
    validation_share: Share = 0.2,
    split_seed: int = 0,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """112 120 radiographs of 30 805 patients with 14 findings, of which 880 have boxes drawn by a radiologist (Wang et al. 2017).

    An image may have several findings, and a classifier here has one class for it: see ``images``. No patient is in two splits.

    Args:
        root: the folder with the lists and the images, in whatever folders.
        images: ``boxed``: a sample for each image and finding that has boxes, which are all in ``test``; ``single``: the images with
            one finding or none, with its boxes if there are any.
        split: ``test`` as published; ``train`` and ``validation`` are parts of ``train_val_list.txt``.
        validation_share: how much of each class in ``train_val_list.txt`` is for validation; at 0 ``train`` is all of it.
        split_seed: each gives another division.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    boxes = _boxes(base / "BBox_List_2017.csv")
    table = sorted(base.glob("Data_Entry_2017*.csv"))[0]
    rows = {row["image index"]: row for row in rows_of(table, ("image index", "finding labels", "patient id"))}
    listed = set(lines_of(base / (_TEST if split == "test" else _REST)))
    files = {path.name: path for path in reversed(walk(base).images)}
    entries = []
    for name in sorted(listed & rows.keys()):
        found = [label for label in rows[name]["finding labels"].split("|") if label]
        unknown = [label for label in found if label not in CLASSES]
        if unknown:
            raise InputError(f"root: {table}: {name} has the finding {unknown[0]!r}, which is none of {', '.join(CLASSES)}")
        path = files.get(name, base / "images" / name)
        if images == "single" and len(found) == 1:
            entries.append(Entry(path, found[0], name, boxes=boxes[name].get(found[0])))
        elif images == "boxed":
            entries += [Entry(path, label, f"{name}#{label}", boxes=its) for label, its in sorted(boxes[name].items())]
    if not entries:
        raise InputError(f"images: {images}, and there are none in the split {split!r}")
    entries, notes = LAYOUT.present(base, entries, unreadable)
    if split != "test":
        entries = training_part(entries, split, lambda entry: rows[entry.path.name]["patient id"], validation_share, split_seed)
    return choose_images(base, entries, CLASSES, samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def _boxes(file: Path) -> dict[str, dict[str, tuple[Box, ...]]]:
    """Boxes ``x0, y0, x1, y1`` of each finding of each image; the file has x, y, width and height."""
    found: dict[str, dict[str, tuple[Box, ...]]] = defaultdict(dict)
    for number, line in enumerate(csv.reader(lines_of(file)[1:]), start=2):
        try:
            name, label, *numbers = line
            x, y, width, height = map(float, numbers[:4])
        except ValueError as error:
            raise InputError(f"root: {file}:{number}: no image, finding, x, y, width and height: {','.join(line)!r}") from error
        label = _OTHER_SPELLING.get(label, label)
        if label not in FINDINGS:
            raise InputError(f"root: {file}:{number}: {name} has the finding {label!r}, which is none of {', '.join(FINDINGS)}")
        found[name][label] = (*found[name].get(label, ()), (x, y, x + width, y + height))
    return found
