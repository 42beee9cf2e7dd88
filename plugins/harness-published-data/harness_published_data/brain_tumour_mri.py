"""The dataset ``brain-tumour-mri``: slices with a glioma, a meningioma, a pituitary tumour or none, as Kaggle has them.

Layouts: https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset, and the one that went before it,
https://www.kaggle.com/datasets/sartajbhuvaji/brain-tumor-classification-mri, whose folders end in ``_tumor``.
"""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.api import dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness_published_data.citations import NICKPARVAR_2021
from harness_published_data.labelled_folders import entries_below
from harness_published_data.layout import Layout
from harness_published_data.splits import Share, Split, training_part

FOLDERS = {
    "glioma": ("glioma", "glioma_tumor"),
    "meningioma": ("meningioma", "meningioma_tumor"),
    "notumor": ("notumor", "no_tumor"),
    "pituitary": ("pituitary", "pituitary_tumor"),
}
"""Classes, and how their folders are called."""
LAYOUT = Layout(
    name="the brain tumour MRI data set",
    source="kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset",
    tree="""
Training/glioma/*.jpg      (or glioma_tumor …, as in sartajbhuvaji/brain-tumor-classification-mri)
Training/meningioma/*.jpg
Training/notumor/*.jpg
Training/pituitary/*.jpg
Testing/…                  the same
""",
    needed=["|".join(f"{part}/{name}" for name in names) for part in ("Training", "Testing") for names in FOLDERS.values()],
)


@dataset(selection={"samples", "seed", "unreadable"}, cite=NICKPARVAR_2021)
def brain_tumour_mri(
    *,
    root: Path,
    split: Split = "test",
    validation_share: Share = 0.2,
    split_seed: int = 0,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """Brain tumour MRI of Kaggle: glioma, meningioma, pituitary tumour or none (M. Nickparvar), or the set that it grew from (S. Bhuvaji).

    The data set names no patients: slices of one may be in several splits. It has no masks; ``cheng-tumours``, from which it took many of
    its images, has.

    Args:
        root: the folder with ``Training`` and ``Testing`` as Kaggle's archive has them.
        split: ``test`` is ``Testing``; ``train`` and ``validation`` are parts of ``Training``.
        validation_share: how much of each class in ``Training`` is for validation; at 0 ``train`` is all of it.
        split_seed: each gives another division of ``Training``.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    part = base / ("Testing" if split == "test" else "Training")
    folders = {part / name: label for label, names in FOLDERS.items() for name in names if (part / name).is_dir()}
    entries, notes = entries_below(base, folders)
    if split != "test":
        entries = training_part(entries, split, attrgetter("id"), validation_share, split_seed)
    return choose_images(base, entries, list(FOLDERS), samples=samples, seed=seed, unreadable=unreadable, notes=notes)
