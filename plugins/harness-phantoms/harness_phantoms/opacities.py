"""The dataset ``opacities``: chest radiographs with or without pneumonia, and what has lost its air as ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field as Bounds

from harness.api import Sample, dataset
from harness_phantoms.chest import chest
from harness_phantoms.citations import KERMANY_2018
from harness_phantoms.fields import Canvas, Field, blurred
from harness_phantoms.film import BLUR, exposed
from harness_phantoms.pneumonia import KINDS, with_pneumonia
from harness_phantoms.splits import DEFAULT_SAMPLES, Split, streams

Mask = NDArray[np.bool_]
NORMAL, PNEUMONIA = "normal", "pneumonia"


class OpacityImages:
    """Radiographs of one split, each made when it is asked for; sample i is the same whatever the number of samples.

    Attributes:
        class_names: ``("normal", "pneumonia")``, or ``("normal", "lobar", "diffuse")``; labels take turns, and so do kinds of pneumonia.
    """

    def __init__(self, *, split: Split, samples: int, classes: Literal[2, 3], strength: float, size: int, seed: int) -> None:
        self.split, self.samples, self.strength, self.size, self.seed = split, samples, strength, size, seed
        self.class_names: Sequence[str] = (NORMAL, PNEUMONIA) if classes == 2 else (NORMAL, *KINDS)

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (1, H, W) in [0, 1], ``mask`` of all pixels that pneumonia changes (None where there is none)."""
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        label = index % len(self.class_names)
        image, changed = self.of_kind(index, self.kind(index))
        mask = torch.from_numpy(changed) if changed.any() else None
        return Sample(image=torch.from_numpy(image)[None], label=label, id=f"{self.split}-{index:05d}", mask=mask)

    def kind(self, index: int) -> str:
        """Kind that sample ``index`` shows: ``"normal"``, ``"lobar"`` or ``"diffuse"``."""
        turn, label = divmod(index, len(self.class_names))
        name = self.class_names[label]
        return list(KINDS)[turn % len(KINDS)] if name == PNEUMONIA else name

    def of_kind(self, index: int, kind: str) -> tuple[Field, Mask]:
        """The patient and the exposure of sample ``index`` with one kind of pneumonia, or ``"normal"``, and its mask; ``(H, W)`` each.

        Outside the mask the images of all kinds are the same to the last bit.
        """
        anatomy, disease, exposure = streams(self.seed, self.split, index, ("opacities-anatomy", "opacities-disease", "opacities-exposure"))
        healthy = chest(Canvas.whole(self.size), anatomy)
        if kind == NORMAL:
            return exposed(healthy.density + healthy.vessels, exposure), np.zeros((self.size, self.size), dtype=bool)
        density, filled = with_pneumonia(healthy, KINDS[kind](healthy, disease), self.strength)
        return exposed(density, exposure), blurred((filled > 0).astype(np.float32), BLUR) > 0


@dataset(cite=KERMANY_2018)
def opacities(
    *,
    split: Split = "test",
    samples: Annotated[int, Bounds(ge=1)] | None = None,
    classes: Literal[2, 3] = 2,
    strength: Annotated[float, Bounds(gt=0, le=1)] = 1.0,
    size: Annotated[int, Bounds(ge=96, le=512)] = 96,
    seed: int = 0,
) -> OpacityImages:
    """Frontal chest radiographs, normal or with pneumonia, lobar or diffuse; the pixels that it changes are the ground truth.

    They stand in for the radiographs of Kermany et al. (2018). Splits share no random stream; a patient and an exposure do not follow from
    the class, so that nothing but the opacity tells it.

    Args:
        split: which of the three parts.
        samples: how many; by default 4000, 500 and 1000 for train, validation and test.
        classes: 2, normal and pneumonia, of which every second is lobar; or 3, normal, lobar and diffuse.
        strength: how much of its density pneumonia has; less is harder to see, and the mask stays.
        size: the side of the image in pixels.
        seed: each gives other images.
    """
    count = DEFAULT_SAMPLES[split] if samples is None else samples
    return OpacityImages(split=split, samples=count, classes=classes, strength=strength, size=size, seed=seed)
