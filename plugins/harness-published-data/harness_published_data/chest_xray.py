"""The dataset ``chest-xray``: radiographs of children with and without pneumonia, as Kaggle has them.

Layout: https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia, from https://doi.org/10.17632/rscbjbr9sj.2.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.entries import Entry
from harness_published_data.citations import KERMANY_2018
from harness_published_data.labelled_folders import entries_below
from harness_published_data.layout import Layout
from harness_published_data.splits import Share, Split, training_part

CLASSES = ("NORMAL", "PNEUMONIA")
CAUSES = ("NORMAL", "BACTERIA", "VIRUS")
PARTS: dict[Split, tuple[str, ...]] = {"train": ("train", "val"), "validation": ("train", "val"), "test": ("test",)}
LAYOUT = Layout(
    name="the chest X-ray data set",
    source="kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia",
    tree="""
train/NORMAL/*.jpeg
train/PNEUMONIA/*.jpeg    (person1_bacteria_1.jpeg, person1_virus_6.jpeg)
val/…                     the same
test/…                    the same
""",
    needed=[f"{part}/{label}" for part in ("train", "val", "test") for label in CLASSES],
)
_PATIENT = re.compile(r"(person\d+)_|(NORMAL\d*-IM-\d+)|(IM-\d+)|((?:BACTERIA|VIRUS)-\d+)", re.IGNORECASE)
_CAUSE = re.compile(r"bacteria|virus", re.IGNORECASE)


@dataset(selection={"samples", "seed", "unreadable"}, cite=KERMANY_2018)
def chest_xray(
    *,
    root: Path,
    split: Split = "test",
    classes: Literal[2, 3] = 2,
    validation_share: Share = 0.2,
    split_seed: int = 0,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """5 856 chest radiographs of children: normal, or pneumonia by bacteria or virus (Kermany et al. 2018). There are no masks.

    No patient, as the names of files have them, is both in ``train`` and in ``validation`` unless ``validation_share`` is 0; the publisher
    numbers those of ``test`` anew.

    Args:
        root: the folder with ``train``, ``val`` and ``test``.
        split: ``test`` as published; ``train`` and ``validation`` are parts of ``train`` and ``val`` together, since ``val`` has 16 images.
        classes: ``NORMAL`` and ``PNEUMONIA``, or three: ``NORMAL``, ``BACTERIA`` and ``VIRUS``, which the names of files tell.
        validation_share: how much of each class outside ``test`` is for validation; at 0 the published ``train`` and ``val`` are the two.
        split_seed: each gives another division.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    published = {"train": ("train",), "validation": ("val",), "test": ("test",)}
    parts = published[split] if validation_share == 0 else PARTS[split]
    entries, notes = entries_below(base, {base / part / label: label for part in parts for label in CLASSES})
    if split != "test" and validation_share > 0:
        entries = training_part(entries, split, patient_of, validation_share, split_seed)
    if classes == 3:
        entries = [replace(entry, label=_cause(entry)) for entry in entries]
    names = CLASSES if classes == 2 else CAUSES
    return choose_images(base, entries, names, samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def patient_of(entry: Entry) -> str:
    """The patient that a file's name tells; the name itself if it tells none."""
    found = _PATIENT.match(entry.path.name)
    return entry.path.stem if found is None else found.group(found.lastindex or 0).casefold()


def _cause(entry: Entry) -> str:
    if entry.label == CLASSES[0]:
        return CAUSES[0]
    found = _CAUSE.search(entry.path.name)
    if found is None:
        raise InputError(f"classes: 3, and the name of {entry.path} tells neither bacteria nor virus")
    return found.group().upper()
