"""The dataset ``part-shapes``: birds made of parts, each of which can be taken away from the very same picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from harness.api import Sample, dataset
from harness.api.randomness import stream_seed
from harness_mosaics.birds import PARTS, VARIANTS, Part, class_table
from harness_mosaics.citations import HESSE_2023
from harness_mosaics.scenes import drawn_scene

Split = Literal["train", "validation", "test"]
DEFAULT_COUNTS: dict[Split, int] = {"train": 2000, "validation": 400, "test": 200}


class PartShapes:
    """Birds of one split, each drawn when it is asked for; sample i is the same whatever the number of samples.

    Attributes:
        class_names: by the variants of the parts that tell a class, such as ``beak 1, wing 3``; labels come in turn.
    """

    def __init__(
        self, *, telling: Sequence[Part], classes: int, size: int, split: Split, samples: int, missing: float, objects: int, seed: int
    ) -> None:
        self.telling = tuple(part for part in PARTS if part in telling)
        self._classes = class_table(self.telling, classes)
        self.size, self.split, self.samples, self.missing, self.objects, self.seed = size, split, samples, missing, objects, seed
        self.class_names = [", ".join(f"{part} {variant}" for part, variant in variants.items()) for variants in self._classes]

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (3, size, size) in [0, 1]; ``mask``, what can be seen of the parts that tell the class; as evidence

        - ``counterfactuals`` (5, 3, size, size), the image without each of `PARTS`,
        - ``parts`` (5, size, size), the pixels that changes,
        - ``distractors`` (size, size), those of parts that do not tell the class, where there are any.
        """
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        generator = np.random.default_rng(stream_seed(self.seed, f"{self.split}-{index}", "part-shapes"))
        label = index % len(self._classes)
        drawn: Mapping[Part, int] = {part: int(generator.integers(VARIANTS)) for part in PARTS}
        scene = drawn_scene({**drawn, **self._classes[label]}, self.size, self.objects, generator)
        absent = {PARTS[generator.integers(len(PARTS))]} if generator.random() < self.missing else set()
        image = scene.image(absent)
        without = np.stack([scene.image({part, *absent}) for part in PARTS])
        parts = (without != image).any(axis=3)
        telling = parts[[PARTS.index(part) for part in self.telling]].any(axis=0)
        others = parts[[place for place, part in enumerate(PARTS) if part not in self.telling]].any(axis=0)
        evidence = {"counterfactuals": _as_images(without), "parts": torch.from_numpy(parts)}
        if others.any():
            evidence["distractors"] = torch.from_numpy(others)
        return Sample(
            image=_as_images(image), label=label, id=f"{self.split}-{index:05d}", mask=torch.from_numpy(telling), evidence=evidence
        )


def _as_images(levels: NDArray[np.uint8]) -> Tensor:
    """``(…, H, W, 3)`` bytes as ``(…, 3, H, W)`` in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(levels, -1, -3), dtype=np.float32) / np.float32(255))


@dataset(cite=HESSE_2023)
def part_shapes(
    *,
    telling: Annotated[list[Part], Field(min_length=1)] = list(PARTS),  # noqa: B006
    classes: Annotated[int, Field(ge=2)] = 8,
    size: Annotated[int, Field(ge=32, le=512)] = 64,
    split: Split = "test",
    samples: Annotated[int, Field(ge=1)] | None = None,
    missing: Annotated[float, Field(ge=0, le=1)] = 0.0,
    objects: Annotated[int, Field(ge=0, le=32)] = 4,
    seed: int = 0,
) -> PartShapes:
    """Birds made of a body and five parts; which variants these have is the class, and each part can be taken away.

    After FunnyBirds (Hesse et al. 2023), drawn flat: what a part is worth to a model is known by intervention, as each sample has with it
    its picture without each part (`part-importance` scores maps by these). Splits share no random stream.

    Args:
        telling: the parts whose variants are the class; those of the others are drawn at random, and mean nothing (``distractors``).
        classes: how many, any two of which differ in two parts (if two or more tell them).
        size: side in pixels.
        split: which of the three parts of the data.
        samples: how many; by default 2000, 400 and 200 for train, validation and test.
        missing: the probability that a part, any of them, is not there: in training images, so that its removal is nothing new to a model.
        objects: shapes in the background, which mean nothing.
        seed: each gives other images of the same classes.
    """
    return PartShapes(
        telling=telling,
        classes=classes,
        size=size,
        split=split,
        samples=DEFAULT_COUNTS[split] if samples is None else samples,
        missing=missing,
        objects=objects,
        seed=seed,
    )
