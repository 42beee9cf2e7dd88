"""The dataset ``xai-tris``: tetrominoes on noise or on pictures, whose class is known to be in certain pixels and in no others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from harness.api import Sample, dataset
from harness.api.randomness import stream_seed
from harness_xai_tris import mixing
from harness_xai_tris.backgrounds import BackgroundKind, drawn_by
from harness_xai_tris.citations import CLARK_2024
from harness_xai_tris.tetrominoes import VISIBLE, Scenario, Size, evidence, pattern

Split = Literal["train", "validation", "test"]
DEFAULT_SAMPLES: dict[Split, int] = {"train": 8000, "validation": 1000, "test": 1000}
CLASSES: dict[Scenario, Sequence[str]] = {
    "linear": ("T", "L"),
    "multiplicative": ("T", "L"),
    "translations-rotations": ("T", "L"),
    "xor": ("same signs", "opposite signs"),
}


class Tetrominoes:
    """Images of one split, each made when it is asked for; sample i is the same whatever the number of samples.

    Attributes:
        class_names: two; labels alternate.
    """

    def __init__(
        self,
        *,
        scenario: Scenario,
        kind: BackgroundKind,
        size: Size,
        share: float,
        split: Split,
        samples: int,
        images: Path | None,
        seed: int,
    ) -> None:
        self.scenario, self.size, self.share, self.split, self.samples, self.seed = scenario, size, share, split, samples, seed
        self.class_names = CLASSES[scenario]
        self._background = drawn_by(kind, size, images)
        self._bound = mixing.bound(scenario, kind, share, size)

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``: ``image`` (1, size, size) in [0, 1]; ``mask``, where the class is; ``own_mask``, the tetrominoes there."""
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        generator = np.random.default_rng(stream_seed(self.seed, f"{self.split}-{index}", "xai-tris"))
        own = pattern(self.scenario, self.size, index, generator)
        values = mixing.mixed(self.scenario, own, self._background(generator), self.share, self.size)
        return Sample(
            image=torch.from_numpy(mixing.as_image(values, self._bound))[None],
            label=index % 2,
            id=f"{self.split}-{index:05d}",
            mask=torch.from_numpy(evidence(self.scenario, self.size, own)),
            evidence={"own_mask": torch.from_numpy(np.abs(own) >= VISIBLE)},
        )


@dataset(cite=CLARK_2024)
def xai_tris(
    *,
    scenario: Scenario = "linear",
    background: BackgroundKind = "white",
    size: Size = 8,
    alpha: Annotated[float, Field(gt=0, le=1)] | None = None,
    split: Split = "test",
    samples: Annotated[int, Field(ge=1)] | None = None,
    images: Path | None = None,
    seed: int = 0,
) -> Tetrominoes:
    """T or L tetrominoes on a background; the pixels whose values depend on the class are the ground truth (XAI-TRIS, Clark et al. 2024).

    Splits share no random stream. The mask holds what the paper scores against: the places of both tetrominoes where these are fixed.

    Args:
        scenario: ``linear`` (T and L at two places, added), ``multiplicative`` (there they damp the background), ``translations-rotations``
            (anywhere, turned, added), ``xor`` (both are there; whether their signs are equal is the class).
        background: ``white`` noise; ``correlated`` noise, whose pixels outside the mask help to tell the class and depend not on it
            (suppressors); or an ``image``.
        size: side in pixels.
        alpha: how much of the image is tetromino; by default the paper's for scenario, background and size.
        split: which of the three parts.
        samples: how many; by default 8000, 1000 and 1000 for train, validation and test.
        images: a folder of pictures for ``background: image`` (the paper took ImageNet); by default discs that hide one another.
        seed: each gives other images.
    """
    if images is not None and background != "image":
        raise ValueError(f"images: a folder is given, but background is {background}; write background: image")
    return Tetrominoes(
        scenario=scenario,
        kind=background,
        size=size,
        share=mixing.SHARES[size, scenario][background] if alpha is None else alpha,
        split=split,
        samples=DEFAULT_SAMPLES[split] if samples is None else samples,
        images=images,
        seed=seed,
    )
