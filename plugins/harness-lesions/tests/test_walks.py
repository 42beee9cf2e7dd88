"""Curves that are traced together are those that are traced one by one, and follow their headings step by step."""

from __future__ import annotations

import math

import numpy as np
from harness_lesions.walks import STEP, Walk, traced


def drawn_walks(count: int) -> list[Walk]:
    """Curves of many lengths, the shortest too, of which every third leaves the one before."""
    generator = np.random.default_rng(5)
    walks: list[Walk] = []
    for place in range(count):
        length = float(generator.uniform(0.1, 20))
        leaves = (walks[-1], walks[-1].points // 2) if place % 3 == 2 else generator.normal(0, 40, 2)
        walks.append(Walk.drawn(leaves, float(generator.uniform(-3, 3)), length, generator, wider=0.25 * (place % 2)))
    return walks


def test_together_and_alone_give_the_same_bits() -> None:
    walks = drawn_walks(30)
    together = dict(zip(walks, traced(walks), strict=True))
    for walk in walks:
        family = [walk.start[0], walk] if isinstance(walk.start, tuple) else [walk]
        if all(not isinstance(one.start, tuple) or one is walk for one in family):
            np.testing.assert_array_equal(traced(family)[-1], together[walk])


def test_each_step_goes_where_the_heading_points() -> None:
    walks = drawn_walks(30)
    curves = dict(zip(walks, traced(walks), strict=True))
    assert min(len(curve) for curve in curves.values()) == 1
    for walk, curve in curves.items():
        x, y = curves[walk.start[0]][walk.start[1], :2] if isinstance(walk.start, tuple) else walk.start

        def wave(along: float, walk: Walk = walk) -> float:
            return walk.meander * math.sin(2 * math.pi * (along / walk.swing + walk.phase))

        for number in range(walk.points):
            along = STEP * (number + 1)
            heading = walk.heading + wave(along) - wave(STEP) + walk.bend * along
            x, y = x + STEP * math.cos(heading), y + STEP * math.sin(heading)
            fallen = number / max(walk.points - 1, 1)
            width = walk.width + fallen * (0.15 - walk.width) + walk.wider
            np.testing.assert_allclose(curve[number], (x, y, width), atol=1e-9)
