"""Boxes as matplotlib makes them."""

import numpy as np
import pytest
from matplotlib.cbook import boxplot_stats

from harness.analysis.box_summary import summarise_box


@pytest.mark.parametrize("values", [
    np.random.default_rng(0).normal(size=31),
    np.random.default_rng(1).lognormal(size=200),
    np.random.default_rng(2).integers(0, 2, 40).astype(float),
    np.asarray([3.0]), np.asarray([1.0, 2.0]), np.zeros(7), np.asarray([0.0] * 9 + [5.0]),
])  # fmt: skip
def test_it_is_the_box_of_matplotlib(values: np.ndarray) -> None:
    (wanted,) = boxplot_stats(values)
    found = summarise_box(values)
    assert found[:5] == pytest.approx(tuple(wanted[name] for name in ("whislo", "q1", "med", "q3", "whishi")))
    assert found.outside == len(wanted["fliers"])
