"""The dataset ``cheng-tumours``: slices with a meningioma, a glioma or a pituitary tumour, and their outlines, as figshare has them.

Layout: https://doi.org/10.6084/m9.figshare.1512427.v5 (its README.txt): 3064 files of MATLAB 7.3 in four archives, each with a struct
``cjdata`` (``label`` 1 to 3, ``PID``, ``image``, ``tumorBorder``, ``tumorMask``), and ``cvind.mat``, the fold from 1 to 5 of each.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.entries import Entry, FileKind
from harness.api.image_files.traits import Traits, Unreadable
from harness.api.image_files.walking import shown
from harness_published_data.citations import CHENG_2015
from harness_published_data.layout import Layout
from harness_published_data.matlab import matlab_text, opened_matlab
from harness_published_data.splits import Share, Split, training_part

CLASSES = ("meningioma", "glioma", "pituitary")
"""By the labels 1, 2 and 3."""
FOLDS = "cvind.mat"
LAYOUT = Layout(
    name="Cheng's brain tumour data set",
    source="figshare (doi.org/10.6084/m9.figshare.1512427)",
    tree="""
cvind.mat
1.mat … 3064.mat    here, or in folders below, as brainTumorDataPublic_1-766
""",
    needed=[FOLDS, "[0-9]*.mat|*/[0-9]*.mat|*/*/[0-9]*.mat"],
)


@dataset(selection={"samples", "seed", "unreadable"}, cite=CHENG_2015)
def cheng_tumours(
    *,
    root: Path,
    split: Split = "test",
    fold: Annotated[int, Field(ge=1, le=5)] = 1,
    validation_share: Share = 0.2,
    split_seed: int = 0,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """T1 slices with contrast medium of 233 patients, with the tumour's outline as mask (Cheng et al. 2015). Needs h5py.

    Intensities are scaled from the least to the greatest of each slice. No patient is in two splits.

    Args:
        root: the folder with ``cvind.mat`` and the numbered files, in the four folders of the archives or in one.
        split: ``test`` is the published ``fold``; ``train`` and ``validation`` are parts of the other four.
        fold: of the five published ones, which is for testing.
        validation_share: how much of the slices of each class in the other folds is for validation; at 0 ``train`` is all of them.
        split_seed: each gives another division of the other folds.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether files that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    folds = _folds(base / FOLDS)
    files = {path.stem: path for path in sorted(base.rglob("*.mat")) if path.stem.isdecimal() and not path.name.startswith(".")}
    beyond = sorted((name for name in files if not 1 <= int(name) <= len(folds)), key=int)
    if beyond:
        raise InputError(
            f"root: {base / FOLDS} has the folds of 1 to {len(folds)}, and there is {shown([files[name] for name in beyond], 3)}"
        )
    numbers = [str(number) for number in range(1, len(folds) + 1)]
    places = [Entry(files.get(name, base / f"{name}.mat"), CLASSES[0], name, kind=SLICE) for name in numbers]
    places, notes = LAYOUT.present(base, places, unreadable)
    entries, patients, damaged = [], {}, []
    for place in places:
        try:
            label, patients[place.id] = read_facts(place.path)
        except Unreadable:
            damaged.append(place)
            continue
        entries.append(replace(place, label=label, evidence={"mask": partial(read_mask, place.path)}))
    tested = [entry for entry in entries if folds[int(entry.id) - 1] == fold]
    seen = {patients[entry.id] for entry in tested}
    others = [entry for entry in entries if folds[int(entry.id) - 1] != fold]
    if split != "test":
        others = [entry for entry in others if patients[entry.id] not in seen]
        tested = training_part(others, split, lambda entry: patients[entry.id], validation_share, split_seed)
    return choose_images(base, [*damaged, *tested], CLASSES, samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def read_facts(path: Path) -> tuple[str, str]:
    """The class and the patient of a file; raises `Unreadable`."""
    with opened_matlab(path) as file:
        data = file["cjdata"]
        label = int(np.asarray(data["label"]).item())
        if not 1 <= label <= len(CLASSES):
            raise Unreadable(f"its label is {label}, and labels are 1 to {len(CLASSES)}")
        return CLASSES[label - 1], matlab_text(data["PID"])


def decode_slice(path: Path) -> Tensor:
    """Its slice ``(1, H, W)``, 0 at its least intensity and 1 at its greatest; raises `Unreadable`."""
    values = _array(path, "image").astype(np.float32)
    low, high = values.min(), values.max()
    if not low < high:
        raise Unreadable(f"all its intensities are {low:g}")
    return torch.from_numpy((values - low) / (high - low))[None]


def read_mask(path: Path, size: tuple[int, int]) -> Tensor | None:
    """The tumour of a file ``(H, W)`` bool, None if it is empty; raises ``ValueError``."""
    mask = _array(path, "tumorMask") > 0
    if mask.shape != size:
        raise InputError(f"{path}: a mask of {mask.shape} for an image of {size} (height, width)")
    return torch.from_numpy(mask) if mask.any() else None


def check_slice(path: Path) -> Traits:
    """Reads all of a file that is used; raises `Unreadable`."""
    read_facts(path)
    _, height, width = decode_slice(path).shape
    return Traits((height, width))


SLICE = FileKind(check_slice, decode_slice)


def _array(path: Path, name: str) -> NDArray[np.generic]:
    with opened_matlab(path) as file:
        values = np.ascontiguousarray(np.asarray(file["cjdata"][name]).T)
    if values.ndim != 2 or not values.size or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise Unreadable(f"its {name} is no picture: {values.dtype} {values.shape}")
    return values


def _folds(path: Path) -> NDArray[np.int64]:
    try:
        with opened_matlab(path) as file:
            return np.asarray(file["cvind"]).ravel().astype(np.int64)
    except Unreadable as fault:
        raise InputError(f"root: {path}: {fault}") from fault
