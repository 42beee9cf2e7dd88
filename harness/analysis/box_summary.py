"""The box plot of scores as numbers (Tukey 1977)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.results.field_types import Floats

REACH = 1.5  # of whiskers, in distances between the quartiles


class BoxSummary(NamedTuple):
    """Median, quartiles (interpolated linearly), the farthest scores within `REACH` of them, and how many lie beyond."""

    lower_whisker: float
    lower_quartile: float
    median: float
    upper_quartile: float
    upper_whisker: float
    outside: int


def summarise_box(values: Floats) -> BoxSummary:
    """The box of ``values`` (N,), N > 0, none of them NaN."""
    lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    reach = REACH * (upper - lower)
    inside = values[(values >= lower - reach) & (values <= upper + reach)]
    low, high = float(inside.min(initial=lower)), float(inside.max(initial=upper))
    return BoxSummary(low, lower, median, upper, high, len(values) - len(inside))
