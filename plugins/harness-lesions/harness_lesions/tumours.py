"""The dataset ``tumours``: brain slices with a glioma, a meningioma, a pituitary adenoma or none, and the tumour as ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from harness.api import Sample, dataset, exact
from harness.api.randomness import stream_seed
from harness_lesions.bank import Split
from harness_lesions.citations import CHENG_2015
from harness_lesions.growths import Growth, glioma, meningioma, pituitary
from harness_lesions.midbrain import midbrain_slice
from harness_lesions.phantom import BLUR, binned, scanned, warp
from harness_lesions.rendering import Image
from harness_lesions.shapes import Mask

GROWTHS: dict[str, Growth | None] = {"glioma": glioma, "meningioma": meningioma, "none": None, "pituitary": pituitary}
DEFAULT_SAMPLES: dict[Split, int] = {"train": 4000, "validation": 500, "test": 1000}
BRIGHTEST = 1.0


class TumourImages:
    """Tumour images of one split, each made when it is asked for; sample i is the same whatever the number of samples.

    Attributes:
        class_names: ``("glioma", "meningioma", "none", "pituitary")``; labels take turns.
    """

    class_names: Sequence[str] = tuple(GROWTHS)

    def __init__(self, *, split: Split, samples: int, size: int, seed: int) -> None:
        self.split, self.samples, self.size, self.seed = split, samples, size, seed

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
        factor = 2 if self.size < 192 else 1
        healthy = midbrain_slice(self.size * factor, anatomy)
        coordinates = warp(self.size * factor, anatomy)

        def seen(field: NDArray[np.floating]) -> NDArray[np.floating]:
            return binned(ndimage.map_coordinates(field, coordinates, output=np.float64, order=1), factor)

        growth = GROWTHS[name]
        if growth is None:
            return scanned(seen(healthy.head), scanner, BRIGHTEST), np.zeros((self.size, self.size), dtype=bool)
        head, opacity = growth(healthy, growing)
        return scanned(seen(head), scanner, BRIGHTEST), exact.gaussian_filter(seen(opacity), BLUR) > 0


@dataset(cite=CHENG_2015)
def tumours(
    *,
    split: Split = "test",
    samples: Annotated[int, Field(ge=1)] | None = None,
    size: Annotated[int, Field(ge=96, le=1024)] = 96,
    seed: int = 0,
) -> TumourImages:
    """Axial brain slices with a glioma, a meningioma, a pituitary adenoma or none; the pixels that a tumour changes are the ground truth.

    Splits share no random stream. All classes have heads of the same level, so that nothing but the tumour tells them apart.

    Args:
        split: which of the three parts.
        samples: how many; by default 4000, 500 and 1000 for train, validation and test.
        size: the side of the image in pixels.
        seed: each gives other images.
    """
    return TumourImages(split=split, samples=DEFAULT_SAMPLES[split] if samples is None else samples, size=size, seed=seed)
