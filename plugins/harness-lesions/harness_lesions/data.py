"""The dataset ``lesions``: brain slices with artificial lesions of two classes, and the lesions as ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from harness.api import InputError, Sample, dataset
from harness.api.randomness import stream_seed
from harness_lesions.backgrounds import Backgrounds, folder, phantoms, template_slices
from harness_lesions.bank import CLASSES, Split, lesion_bank, symmetries
from harness_lesions.citations import OLIVEIRA_2024
from harness_lesions.placement import NoRoom, placed
from harness_lesions.rendering import Image, composed, rendered
from harness_lesions.shapes import LesionClass, Mask

DEFAULT_SAMPLES: dict[Split, int] = {"train": 4000, "validation": 500, "test": 1000}
FEWEST, MOST = 3, 5
ATTEMPTS = 20


class LesionImages:
    """Lesion images of one split, each made when it is asked for; sample i is the same whatever the number of samples.

    Attributes:
        class_names: ``("regular", "irregular")``; labels alternate.
    """

    class_names: Sequence[str] = CLASSES

    def __init__(self, *, split: Split, samples: int, scale: float, intensity: float, backgrounds: Backgrounds, seed: int) -> None:
        self.split, self.samples, self.scale, self.intensity, self.seed = split, samples, scale, intensity, seed
        self.backgrounds = backgrounds

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (1, H, W) in [0, 1], ``mask`` where a lesion's intensity is above 0."""
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        background, lesions = self.layers(index)
        return Sample(
            image=torch.from_numpy(composed(background, lesions, self.intensity))[None],
            label=index % len(CLASSES),
            id=f"{self.split}-{index:05d}",
            mask=torch.from_numpy(lesions > 0),
        )

    def layers(self, index: int) -> tuple[Image, Image]:
        """The background and the lesions (in [0, 1]) of one sample, ``(H, W)`` each."""
        generator = np.random.default_rng(stream_seed(self.seed, f"{self.split}-{index}", "lesions"))
        background, brain = self.backgrounds(index, generator)
        return background, self._lesions(CLASSES[index % len(CLASSES)], brain, generator)

    def _lesions(self, name: LesionClass, brain: Mask, generator: np.random.Generator) -> Image:
        """Three to five lesions of one class in a brain; where they do not fit others are drawn, as many as before."""
        count = int(generator.integers(FEWEST, MOST + 1))
        bank = lesion_bank(self.split, name)
        for _ in range(ATTEMPTS):
            shapes = [symmetries(bank[i])[generator.integers(8)] for i in generator.choice(len(bank), count, replace=False)]
            try:
                return placed([rendered(shape, name, self.scale) for shape in shapes], brain, generator)
            except NoRoom as error:
                reason = error
        raise InputError(
            f"{count} lesions at scale {self.scale} do not fit into a brain of {int(brain.sum())} pixels: {reason}; lower the scale"
        )


@dataset(cite=OLIVEIRA_2024)
def lesions(
    *,
    split: Split = "test",
    samples: Annotated[int, Field(ge=1)] | None = None,
    size: Annotated[int, Field(ge=96, le=1024)] = 96,
    scale: Annotated[float, Field(ge=1, le=8)] = 1.0,
    intensity: Annotated[float, Field(gt=0, le=1)] = 0.5,
    backgrounds: Literal["phantom", "mni"] | Path = "phantom",
    seed: int = 0,
) -> LesionImages:
    """Brain slices with 3 to 5 regular or irregular lesions whose pixels are the ground truth (Oliveira et al. 2024).

    Splits share no lesion, no background and no random stream. The paper's setting is ``size: 270, scale: 2``.

    Args:
        split: which of the three parts.
        samples: how many; by default 4000, 500 and 1000 for train, validation and test.
        size: the side of the image in pixels.
        scale: enlarges the lesions, which have 70 pixels each at 1.
        intensity: the opacity w of the white that a lesion lays over the background.
        backgrounds: procedural heads (``phantom``), slices of the MNI152 T1 template in brains of many shapes (``mni``), or a folder of
            axial slices (PNG) or of skull-stripped T1 volumes (NIfTI).
        seed: each gives other images.
    """
    made = {"phantom": phantoms, "mni": template_slices}
    source = folder(backgrounds, split, size, seed) if isinstance(backgrounds, Path) else made[backgrounds](size)
    count = DEFAULT_SAMPLES[split] if samples is None else samples
    return LesionImages(split=split, samples=count, scale=scale, intensity=intensity, backgrounds=source, seed=seed)
