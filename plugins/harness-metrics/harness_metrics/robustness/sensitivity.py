"""Movement of an explanation as the input moves a little."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case
from harness_metrics.maps import share
from harness_metrics.robustness.neighbours import Neighbourhood, changes, norm


def sensitivities(case: Case, radius: float, samples: int, relative: bool) -> Tensor:
    """``(B, samples)`` Frobenius norms of the difference between a map and the map of a neighbour in the L∞ ball of ``radius``.

    Where ``relative``, divided by the norm of the map itself; NaN then for a map that is 0 everywhere.
    """
    moved = changes(case, Neighbourhood("uniform", radius, samples)).maps
    return share(moved, norm(case.attributions.double(), 2)[:, None]) if relative else moved
