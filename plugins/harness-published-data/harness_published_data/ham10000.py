"""The dataset ``ham10000``: dermatoscopic images of seven kinds of pigmented lesions and their outlines, as Dataverse and Kaggle have them.

Layouts: https://doi.org/10.7910/DVN/DBW86T and https://www.kaggle.com/datasets/kmader/skin-cancer-mnist-ham10000; the outlines are in the
former, and in https://www.kaggle.com/datasets/tschandl/ham10000-lesion-segmentations.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.entries import Entry
from harness.api.image_files.walking import walk
from harness_published_data.citations import TSCHANDL_2018
from harness_published_data.layout import Layout
from harness_published_data.splits import Share, Split, divide, training_part
from harness_published_data.tables import rows_of

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
OUTLINE = "_segmentation"
LAYOUT = Layout(
    name="HAM10000",
    source="Dataverse (doi.org/10.7910/DVN/DBW86T) or Kaggle (kmader/skin-cancer-mnist-ham10000)",
    tree="""
HAM10000_metadata.csv
HAM10000_images_part_1/ISIC_*.jpg
HAM10000_images_part_2/ISIC_*.jpg
HAM10000_segmentations_lesion_tschandl/ISIC_*_segmentation.png    (where there are to be masks)
""",
    needed=["HAM10000_metadata*", "ISIC_*.jpg|*/ISIC_*.jpg|*/*/ISIC_*.jpg"],
)


@dataset(selection={"samples", "seed", "unreadable"}, cite=TSCHANDL_2018)
def ham10000(
    *,
    root: Path,
    split: Split = "test",
    test_share: Share = 0.15,
    validation_share: Share = 0.2,
    split_seed: int = 0,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """10 015 images of 7 470 pigmented skin lesions, with the outlines as masks (Tschandl et al. 2018).

    Actinic keratoses and intraepithelial carcinoma (``akiec``), basal cell carcinoma (``bcc``), benign keratosis (``bkl``), dermatofibroma
    (``df``), melanoma (``mel``), melanocytic nevi (``nv``), vascular lesions (``vasc``). No lesion is in two splits, which are ours.

    Args:
        root: the folder with ``HAM10000_metadata.csv`` and the images, in whatever folders; masks are taken if their folder is there too.
        split: which of the three parts.
        test_share: how much of each class is for testing.
        validation_share: how much of the rest is for validation; at 0 ``train`` is all of it.
        split_seed: each gives another division.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    table = next((path for path in sorted(base.glob("HAM10000_metadata*")) if path.is_file()), None)
    if table is None:
        raise LAYOUT.lacks(f"HAM10000_metadata.csv in {base} is no file")
    files = {path.stem: path for path in reversed(walk(base).images)}
    entries, lesions = [], {}
    for row in rows_of(table, ("lesion_id", "image_id", "dx")):
        name, label = row["image_id"], row["dx"].casefold()
        if label not in CLASSES:
            raise InputError(f"root: {table}: {name} is {label!r}, which is none of {', '.join(CLASSES)}")
        masks = [files[name + OUTLINE]] if name + OUTLINE in files else []
        entries.append(Entry(files.get(name, base / f"{name}.jpg"), label, name, tuple(masks)))
        lesions[name] = row["lesion_id"]
    entries, notes = LAYOUT.present(base, entries, unreadable)
    outlined = sum(bool(entry.masks) for entry in entries)
    if outlined < len(entries):
        notes.append(f"{outlined} of {len(entries)} images have an outline (ISIC_…{OUTLINE}.png)")
    rest, tested = divide(entries, lambda entry: lesions[entry.id], test_share, split_seed)
    if split != "test":
        tested = training_part(rest, split, lambda entry: lesions[entry.id], validation_share, split_seed)
    return choose_images(base, tested, CLASSES, samples=samples, seed=seed, unreadable=unreadable, notes=notes)
