"""Birds of parts: a body that all have, and a beak, an eye, a wing, a tail and feet in four variants each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product
from typing import Literal, get_args

import numpy as np

from harness.api.randomness import stream_seed
from harness_mosaics.figures import Ellipse, Figure, Polygon, rectangle

Part = Literal["beak", "eye", "wing", "tail", "feet"]
PARTS: Sequence[Part] = get_args(Part)
VARIANTS = 4
Colour = tuple[int, int, int]
Variant = tuple[Figure, Colour]

RED, GREEN, BLUE, YELLOW = (206, 60, 54), (58, 150, 74), (52, 98, 196), (232, 190, 46)
BODY: Figure = [
    Ellipse((-0.02, -0.02), (0.27, 0.19)),
    Ellipse((0.22, 0.2), (0.135, 0.135)),
    Polygon([(0.02, 0.12), (0.25, -0.06), (0.3, 0.15), (0.14, 0.25)]),
]
BIRD: Mapping[Part, Sequence[Variant]] = {
    "beak": [
        ([Polygon([(0.33, 0.28), (0.33, 0.13), (0.48, 0.2)])], YELLOW),
        ([Polygon([(0.33, 0.25), (0.33, 0.16), (0.66, 0.19)])], RED),
        ([Ellipse((0.4, 0.19), (0.11, 0.07))], BLUE),
        ([Polygon([(0.33, 0.27), (0.33, 0.16), (0.46, 0.24)]), Polygon([(0.39, 0.25), (0.46, 0.25), (0.46, 0.04)])], GREEN),
    ],
    "eye": [
        ([Ellipse((0.25, 0.23), (0.055, 0.055))], BLUE),
        ([rectangle(0.19, 0.2, 0.31, 0.26)], YELLOW),
        ([rectangle(0.2, 0.18, 0.3, 0.28)], GREEN),
        ([Polygon([(0.18, 0.18), (0.32, 0.18), (0.25, 0.31)])], RED),
    ],
    "wing": [
        ([Ellipse((-0.05, 0.0), (0.16, 0.085))], GREEN),
        ([Polygon([(0.08, 0.08), (0.04, -0.12), (-0.3, 0.1)])], BLUE),
        ([rectangle(-0.18, -0.09, 0.04, 0.08)], RED),
        ([Ellipse((-0.03, 0.0), (0.075, 0.075)), Ellipse((-0.16, 0.02), (0.055, 0.055))], YELLOW),
    ],
    "tail": [
        ([Polygon([(-0.2, 0.06), (-0.2, -0.1), (-0.52, 0.06), (-0.48, 0.2)])], RED),
        ([rectangle(-0.62, -0.06, -0.2, 0.02)], GREEN),
        ([Polygon([(-0.22, 0.0), (-0.56, 0.24), (-0.5, 0.06)]), Polygon([(-0.22, 0.0), (-0.56, -0.24), (-0.5, -0.06)])], YELLOW),
        ([Ellipse((-0.36, 0.08), (0.14, 0.14))], BLUE),
    ],
    "feet": [
        ([rectangle(-0.1, -0.42, -0.06, -0.15), rectangle(0.06, -0.42, 0.1, -0.15)], RED),
        ([Polygon([(-0.08, -0.15), (-0.18, -0.4), (0.0, -0.4)]), Polygon([(0.1, -0.15), (0.02, -0.4), (0.2, -0.4)])], YELLOW),
        ([rectangle(-0.12, -0.29, -0.03, -0.15), rectangle(0.04, -0.29, 0.13, -0.15)], BLUE),
        ([rectangle(-0.02, -0.4, 0.03, -0.15), rectangle(-0.14, -0.43, 0.17, -0.37)], GREEN),
    ],
}
"""Figures in coordinates of the body, which looks to the right; x and y as in mathematics."""
ORDER: Sequence[Part | None] = ("feet", "tail", None, "wing", "beak", "eye")
"""What hides what, from behind; None is the body."""


@cache
def class_table(telling: tuple[Part, ...], classes: int) -> Sequence[Mapping[Part, int]]:
    """For each class the variant of each part that tells it, the same in every split and under every seed.

    Any two classes differ in two parts at least if two or more tell them, so that none is another one of which a part is hidden: the last
    part's variant is the sum of the others', modulo `VARIANTS`. Raises ``ValueError`` for more classes than there are such combinations.
    """
    free = max(len(telling) - 1, 1)
    if classes > VARIANTS**free:
        raise ValueError(f"classes: {classes}, and {len(telling)} parts tell at most {VARIANTS**free} apart")
    words = np.array(list(product(range(VARIANTS), repeat=free)))
    chosen = np.random.default_rng(stream_seed(0, "classes", "part-shapes")).permutation(len(words))[:classes]
    found = [(*words[place], words[place].sum() % VARIANTS)[: len(telling)] for place in chosen]
    return [{part: int(variant) for part, variant in zip(telling, word, strict=True)} for word in found]
