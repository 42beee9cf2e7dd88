"""The dataset ``naevi``: dermoscopic images of seven kinds of skin lesion, and the lesion as ground truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field as Bounds

from harness.api import Sample, dataset
from harness_phantoms.citations import TSCHANDL_2018
from harness_phantoms.dermal import dermatofibroma, vascular_lesion
from harness_phantoms.fields import Canvas, Generator, blurred
from harness_phantoms.keratinocytic import actinic_keratosis, basal_cell_carcinoma, benign_keratosis
from harness_phantoms.melanocytic import melanoma, naevus
from harness_phantoms.pigments import Layers, blended, coloured
from harness_phantoms.skin import BLUR, Picture, photographed, skin
from harness_phantoms.splits import DEFAULT_SAMPLES, Split, streams
from harness_phantoms.spots import Place, Spot

Mask = NDArray[np.bool_]
GROWTHS: dict[str, Callable[[Canvas, Place, Generator], tuple[Spot, Layers]]] = {
    "AKIEC": actinic_keratosis,
    "BCC": basal_cell_carcinoma,
    "BKL": benign_keratosis,
    "DF": dermatofibroma,
    "MEL": melanoma,
    "NV": naevus,
    "VASC": vascular_lesion,
}


class NaevusImages:
    """Dermoscopic images of one split, each made when it is asked for; sample i is the same whatever the number of samples.

    Attributes:
        class_names: the seven classes of HAM10000 in the order of the alphabet; labels take turns.
    """

    class_names: Sequence[str] = tuple(GROWTHS)

    def __init__(self, *, split: Split, samples: int, mixed: float, size: int, seed: int) -> None:
        self.split, self.samples, self.mixed, self.size, self.seed = split, samples, mixed, size, seed

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (3, H, W) in [0, 1], ``mask`` of all pixels that the lesion changes."""
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        label = index % len(self.class_names)
        image, mask = self.with_lesion(index, self.class_names[label])
        return Sample(image=torch.from_numpy(image), label=label, id=f"{self.split}-{index:05d}", mask=torch.from_numpy(mask))

    def with_lesion(self, index: int, name: str | None) -> tuple[Picture, Mask]:
        """The skin, hairs and light of sample ``index`` with a lesion of one class, or none, ``(3, H, W)``, and its mask ``(H, W)``.

        Outside the mask the images of all classes are the same to the last bit.
        """
        patient, camera = streams(self.seed, self.split, index, ("naevi-patient", "naevi-camera"))
        bare = skin(Canvas.whole(self.size), patient)
        picture, there = bare.bare.copy(), np.zeros((self.size, self.size), dtype=np.float32)
        if name is not None:
            canvas, within, layers = self._lesion(index, name, bare.canvas)
            picture[:, canvas.rows, canvas.columns] = coloured(layers, bare.bare[:, canvas.rows, canvas.columns])
            there[canvas.rows, canvas.columns] = within
        return photographed(picture, bare, camera), blurred(there, BLUR) > 0

    def _lesion(self, index: int, name: str, canvas: Canvas) -> tuple[Canvas, Mask, Layers]:
        """A window, where in it there is a lesion of one class, and that lesion, with a share of one of another class in its place."""
        growing, other, mixing = streams(self.seed, self.split, index, ("naevi-growth", "naevi-other", "naevi-mixing"))
        place = Place.drawn(growing)
        spot, layers = GROWTHS[name](canvas, place, growing)
        if self.mixed == 0:
            return spot.canvas, spot.within > 0, layers
        others = [one for one in self.class_names if one != name]
        partner, share = others[mixing.integers(len(others))], float(mixing.uniform(0, self.mixed))
        second, signs = GROWTHS[partner](canvas, place, other)
        # in the order of the alphabet, as what lies above would tell which class the lesion is of
        mixture = blended(layers, signs, share) if name < partner else blended(signs, layers, 1 - share)
        return spot.canvas, (spot.within > 0) | (second.within > 0), mixture


@dataset(cite=TSCHANDL_2018)
def naevi(
    *,
    split: Split = "test",
    samples: Annotated[int, Bounds(ge=1)] | None = None,
    mixed: Annotated[float, Bounds(ge=0, le=0.5)] = 0.0,
    size: Annotated[int, Bounds(ge=96, le=512)] = 96,
    seed: int = 0,
) -> NaevusImages:
    """Dermoscopic images of the seven classes of HAM10000; the pixels that a lesion changes are the ground truth.

    They stand in for those of Tschandl et al. (2018): classes differ by colour, outline and structure. Splits share no random stream; skin
    tone, hairs, light, and the lesion's place and size do not follow from the class.

    Args:
        split: which of the three parts.
        samples: how many; by default 4000, 500 and 1000 for train, validation and test.
        mixed: the greatest share that a lesion has of the signs of another class, which are drawn for each; up to 0.5, where some are as
            much of one class as of the other. 0 gives lesions that have all signs of their class and no other.
        size: the side of the image in pixels.
        seed: each gives other images.
    """
    count = DEFAULT_SAMPLES[split] if samples is None else samples
    return NaevusImages(split=split, samples=count, mixed=mixed, size=size, seed=seed)
