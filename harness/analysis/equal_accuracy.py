"""Models of like accuracy: of each of several sets those that are the nearest to one common value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHARE_KEPT = 3  # one model in three is kept, as Oliveira et al. 2024 (section 5.2) kept five of fifteen


def usual_count(sizes: Sequence[int]) -> int:
    """How many models each set keeps, unless somebody says: a third of the smallest set, and at least one."""
    return max(1, round(min(sizes) / SHARE_KEPT))


def nearest_models(accuracies: Sequence[float], value: float, count: int) -> list[int]:
    """Places of the ``count`` accuracies that are the nearest to ``value``, in their order; of equally near ones the first."""
    order = sorted(range(len(accuracies)), key=lambda k: (round(abs(accuracies[k] - value), 12), k))
    return sorted(order[:count])


def common_accuracy(sets: Sequence[Sequence[float]], count: int) -> float:
    """The value to which the ``count`` nearest accuracies of every set are nearest, by the sum of their distances.

    The sum is piecewise linear in the value, and bends upwards at accuracies alone, so that it is least at one of them; of several the
    greatest.
    """

    def distance(value: float) -> float:
        return float(sum(_nearest_distances(np.asarray(own), value, count).sum() for own in sets))

    candidates = sorted({accuracy for own in sets for accuracy in own}, reverse=True)
    return min(candidates, key=lambda value: round(distance(value), 12))


def _nearest_distances(accuracies: NDArray[np.float64], value: float, count: int) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.sort(np.abs(accuracies - value))[:count]
    return distances
