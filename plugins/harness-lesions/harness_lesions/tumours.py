"""The dataset ``tumours``: brain slices with a glioma, a meningioma, a pituitary adenoma or none, and the tumour as ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from harness.api import Sample, dataset, exact
from harness.api.randomness import stream_seed
from harness_lesions.bank import Split
from harness_lesions.citations import CHENG_2015
from harness_lesions.growths import Growth, glioma, meningioma, pituitary
from harness_lesions.heads import HEADS, Heads
from harness_lesions.phantom import BLUR
from harness_lesions.rendering import Image
from harness_lesions.shapes import Mask
from harness_lesions.template import PLANES, Plane, template

GROWTHS: dict[str, Growth | None] = {"glioma": glioma, "meningioma": meningioma, "none": None, "pituitary": pituitary}
DEFAULT_SAMPLES: dict[Split, int] = {"train": 4000, "validation": 500, "test": 1000}


class TumourImages:
    """Tumour images of one split, each made when it is asked for; sample i is the same whatever the number of samples.

    Attributes:
        class_names: ``("glioma", "meningioma", "none", "pituitary")``; labels take turns.
    """

    class_names: Sequence[str] = tuple(GROWTHS)

    def __init__(self, *, split: Split, samples: int, size: int, plane: Plane | Literal["any"], backgrounds: Heads, seed: int) -> None:
        self.split, self.samples, self.size, self.plane, self.backgrounds, self.seed = split, samples, size, plane, backgrounds, seed

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (1, H, W) in [0, 1], ``mask`` of all pixels that the tumour changes (None where there is none)."""
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        label = index % len(self.class_names)
        image, changed = self.with_tumour(index, self.class_names[label])
        mask = torch.from_numpy(changed) if changed.any() else None
        return Sample(image=torch.from_numpy(image)[None], label=label, id=f"{self.split}-{index:05d}", mask=mask)

    def with_tumour(self, index: int, name: str) -> tuple[Image, Mask]:
        """The head and the noise of sample ``index`` with a tumour of one class, or ``"none"``, and its mask; ``(H, W)`` each.

        Outside the mask the images of all classes are the same to the last bit.
        """
        anatomy, growing, scanner = (
            np.random.default_rng(stream_seed(self.seed, f"{self.split}-{index}", f"tumours-{part}"))
            for part in ("anatomy", "growth", "scanner")
        )
        head = HEADS[self.backgrounds](self.plane_of(index), self.size, anatomy)
        growth = GROWTHS[name]
        if growth is None:
            return head.scanned(head.healthy.head, scanner), np.zeros((self.size, self.size), dtype=bool)
        grown, opacity = growth(head.healthy, growing)
        mask = exact.gaussian_filter(head.seen(opacity), BLUR) > 0
        return head.scanned(grown, scanner), mask if head.visible is None else mask & (head.visible > 0)

    def plane_of(self, index: int) -> Plane:
        """The plane of sample ``index``: with ``any`` each in turn, as often for each class."""
        return PLANES[index // len(self.class_names) % len(PLANES)] if self.plane == "any" else self.plane


@dataset(cite=CHENG_2015)
def tumours(
    *,
    split: Split = "test",
    samples: Annotated[int, Field(ge=1)] | None = None,
    size: Annotated[int, Field(ge=96, le=1024)] = 96,
    plane: Plane | Literal["any"] = "axial",
    backgrounds: Heads = "phantom",
    seed: int = 0,
) -> TumourImages:
    """Brain slices with a glioma, a meningioma, a pituitary adenoma or none; the pixels that a tumour changes are the ground truth.

    Splits share no random stream. All classes have heads of the same levels, so that nothing but the tumour tells them apart.

    Args:
        split: which of the three parts.
        samples: how many; by default 4000, 500 and 1000 for train, validation and test.
        size: the side of the image in pixels.
        plane: ``axial``, ``coronal`` or ``sagittal``, each through the cistern above the sella; ``any`` takes turns.
        backgrounds: procedural heads (``phantom``), or slices of the MNI152 T1 template in brains of many shapes (``mni``).
        seed: each gives other images.
    """
    if backgrounds == "mni":
        template()
    count = DEFAULT_SAMPLES[split] if samples is None else samples
    return TumourImages(split=split, samples=count, size=size, plane=plane, backgrounds=backgrounds, seed=seed)
