"""The dataset ``grid-mosaic``: images of another dataset in a grid, of which some are of the class that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from harness.api import Dataset, Sample, dataset
from harness.api.geometry import Geometry
from harness.api.randomness import stream_seed
from harness_mosaics.citations import ARIAS_DUART_2022, BOEHLE_2021

Places = dict[int, list[int]]


class GridMosaics:
    """Mosaics of a dataset's images, each made when it is asked for; sample i is the same whatever the number of samples.

    Attributes:
        class_names: the dataset's, if it names its classes.
    """

    def __init__(self, images: Dataset, *, side: int, own: int, distinct: bool, cell: int | None, samples: int, seed: int) -> None:
        self.images, self.side, self.own, self.distinct, self.samples, self.seed = images, side, own, distinct, samples, seed
        if (names := getattr(images, "class_names", None)) is not None:
            self.class_names: Sequence[str] = [str(name) for name in names]
        first = images[0].image
        self._geometry = Geometry((first.shape[1], first.shape[2]) if cell is None else (cell, cell), channels=first.shape[0])

    @cached_property
    def _by_class(self) -> Places:
        """Places of the images of each class that has enough to be asked for or to stand beside others, all of which are read for that."""
        found: Places = {}
        for place in range(len(self.images)):
            found.setdefault(self.images[place].label, []).append(place)
        others, classes = self.side**2 - self.own, len(found) - 1
        if classes < (others if self.distinct else 1):
            wanted = f"{others} other classes (distinct: false takes several of one)" if self.distinct else "another class"
            raise ValueError(f"{len(found)} classes, and beside the class that is asked for there are to be images of {wanted}")
        short = next((label for label, places in sorted(found.items()) if len(places) < self.own), None)
        if short is not None:
            raise ValueError(f"own: {self.own} images of the class that is asked for, and of class {short} there are {len(found[short])}")
        return dict(sorted(found.items()))

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (C, side · h, side · w) in [0, 1]; the class asked for as label; its cells as ``mask``."""
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        generator = np.random.default_rng(stream_seed(self.seed, str(index), "grid-mosaic"))
        labels = list(self._by_class)
        label = labels[index % len(labels)]
        chosen = [*generator.choice(self._by_class[label], self.own, replace=False), *self._others(label, generator)]
        cells = generator.permutation(len(chosen))
        tiles = torch.stack([self._geometry.image(self.images[int(chosen[cell])].image) for cell in cells])
        mask = torch.from_numpy(cells < self.own).view(self.side, 1, self.side, 1)
        channels, height, width = tiles.shape[1:]
        rows = tiles.view(self.side, self.side, channels, height, width).permute(2, 0, 3, 1, 4)
        size = (self.side * height, self.side * width)
        return Sample(
            image=rows.reshape(channels, *size),
            label=label,
            id=f"mosaic-{index:05d}",
            mask=mask.expand(self.side, height, self.side, width).reshape(size),
        )

    def _others(self, label: int, generator: np.random.Generator) -> list[int]:
        """Places of images of other classes: each of another, or each of any."""
        classes = [each for each in self._by_class if each != label]
        count = self.side**2 - self.own
        if self.distinct:
            return [int(generator.choice(self._by_class[each])) for each in generator.choice(classes, count, replace=False)]
        places = [place for each in classes for place in self._by_class[each]]
        return [int(place) for place in generator.choice(places, count, replace=len(places) < count)]


@dataset(cite=f"{BOEHLE_2021}\n\n{ARIAS_DUART_2022}")
def grid_mosaic(
    *,
    of: Dataset,
    side: Annotated[int, Field(ge=2, le=8)] = 3,
    own: Annotated[int, Field(ge=1)] = 1,
    distinct: bool = True,
    cell: Annotated[int, Field(ge=1)] | None = None,
    samples: Annotated[int, Field(ge=1)] = 500,
    seed: int = 0,
) -> GridMosaics:
    """Images of a dataset in a grid; one class in it is asked for, which is the label, and its cells are the ground truth.

    The data of the grid pointing game (Böhle et al. 2021: ``side: 3``, one image of each of nine classes) and of Focus (Arias-Duart et al.
    2022: ``side: 2, own: 2, distinct: false``, two images of the class asked for and two of any others). The class asked for is to be
    explained, whatever the model predicts: ``explain: {target: label, samples: all}``. Classes are asked for in turn. Each mosaic is
    asked for one class, so that samples do not depend on each other (the papers ask each grid for each of its classes).

    The labels of all images are read when the first mosaic is made. Raises ``ValueError`` for too few classes or images.

    Args:
        of: the dataset that the images are from.
        side: images along each side of the grid.
        own: how many images are of the class that is asked for.
        distinct: whether all others are of different classes; else they are drawn from all images of other classes.
        cell: the side in pixels that each image is brought to; by default the size of the dataset's first image.
        samples: how many mosaics.
        seed: each gives other mosaics.
    """
    if own >= side**2:
        raise ValueError(f"own: {own} of {side**2} images are of the class that is asked for: leave one for others")
    return GridMosaics(of, side=side, own=own, distinct=distinct, cell=cell, samples=samples, seed=seed)
