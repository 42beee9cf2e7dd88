"""Earth mover's distance between the map and the mask (Clark et al. 2024)."""

from __future__ import annotations

from math import hypot
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import CLARK_2024
from harness_metrics.localisation.segmentation import unless_empty
from harness_metrics.maps import masks_of, mass
from harness_metrics.transport import earth_movers_distance


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=CLARK_2024)
def earth_mover(case: Case, *, cells: Annotated[int, Field(ge=2, le=32)] = 12, absolute: bool = True) -> Tensor:
    """How little the map's mass must be moved to become the mask: 1 − earth mover's distance / greatest distance.

    Clark et al. 2024 (XAI-TRIS): the cost of the optimal transport between |a| and the mask, each of sum 1, under the Euclidean distance of
    pixels, over the greatest distance in the image. Relevance beside the object counts for the less the nearer it is, where metrics of
    overlap count all of it as wrong.

    Args:
        case: the samples.
        cells: along each side, in which mass is summed before it is moved between their centres; of an image with no more pixels than that
            (the authors have 8 × 8 and 64 × 64) nothing is summed, and the distance is exact. Else the distance is off by at most the
            diagonal of a cell, as a rule far less; 144 cells take some 60 ms a sample on one core, the time grows with the sixth power.
        absolute: the mass of a pixel is |a|, as the authors have it; else its positive part.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty or the map has no mass. The mask itself scores 1; 0 is a point in
        one corner where the mask is a point in the other.
    """
    masks = masks_of(case)
    size = (masks.shape[-2], masks.shape[-1])
    down, across = (membership(length, cells, masks.device) for length in size)
    places = torch.cartesian_prod(*(centres(one) for one in (down, across)))
    distances = torch.linalg.vector_norm(places[:, None] - places, dim=2)
    found, wanted = ((down @ values.double() @ across.T).flatten(1) for values in (mass(case.attributions, absolute), masks))
    totals = found.sum(dim=1)
    moved = earth_movers_distance(*(_shares(values) for values in (found, wanted)), distances)
    return unless_empty(torch.where(totals > 0, 1 - moved / hypot(size[0] - 1, size[1] - 1), torch.nan), masks)


def membership(length: int, cells: int, device: torch.device) -> Tensor:
    """``(min(cells, length), length)`` double: 1 where a pixel of a side belongs to a cell; sizes of cells differ by at most one pixel.

    >>> membership(5, 2, torch.device("cpu")).int().tolist()
    [[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]]
    """
    count = min(cells, length)
    owners = torch.arange(length, device=device) * count // length
    return (owners == torch.arange(count, device=device)[:, None]).double()


def centres(members: Tensor) -> Tensor:
    """``(N,)`` the mean pixel of each cell, of its `membership` (N, length)."""
    return members @ torch.arange(members.shape[1], dtype=members.dtype, device=members.device) / members.sum(dim=1)


def _shares(values: Tensor) -> Tensor:
    """Rows of ``(B, N)`` brought to a sum of 1; even ones where there is nothing."""
    totals = values.sum(dim=1, keepdim=True)
    return torch.where(totals > 0, values / totals, 1 / values.shape[1])
