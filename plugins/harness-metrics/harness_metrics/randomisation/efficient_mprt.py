"""Efficient model parameter randomisation test (Hedström et al. 2024)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import HEDSTROEM_2024
from harness_metrics.maps import entropy, share
from harness_metrics.randomisation.layers import randomisable_layers, stages
from harness_metrics.randomisation.models import randomised_maps
from harness_metrics.similarity import unit_range


@metric(
    category="randomisation",
    direction="higher",
    needs={"explainer"},
    bounds=(-1, None),
    passes=1,  # times what explaining takes
    cite=HEDSTROEM_2024,
)
def efficient_mprt(case: Case, *, bins: Annotated[int, Field(ge=2)] = 100, absolute: bool = False) -> Tensor:
    """Rise of the map's complexity when the whole model is randomised.

    Hedström et al. 2024: ``(H(ê) − H(e)) / H(e)`` with ``e`` the map, ``ê`` the map of the model with all its weights random and ``H`` the
    entropy of the histogram of a map's values: no two maps are compared pixel by pixel.

    Args:
        case: the samples; their explainer explains one randomised copy of the model.
        bins: of the histogram, of equal width between each map's own least and greatest value.
        absolute: of absolute values.

    Returns:
        ``(B,)`` of at least -1, higher is better, 0 where nothing changed; NaN for a map that is constant, whose entropy is 0. A constant
        map of the randomised model scores -1.
    """
    layers = randomisable_layers(case.model)
    (changed,) = randomised_maps(case, layers, stages(layers, "top-down", 1), lambda model: case.explain(model=model))
    before, after = (histogram_entropy(maps.abs() if absolute else maps, bins) for maps in (case.attributions, changed))
    return share(after - before, before)


def histogram_entropy(maps: Tensor, bins: int) -> Tensor:
    """Entropy in nats ``(B,)`` of the histogram of the values of each of ``(B, H, W)``; 0 for a constant map.

    >>> round(histogram_entropy(torch.tensor([[[0.0, 1.0], [1.0, 2.0]]]), 2).item(), 4)  # one value below the middle, three not
    0.5623
    """
    values = unit_range(maps).flatten(1).nan_to_num()
    places = (values * bins).long().clamp(max=bins - 1)
    counts = values.new_zeros(len(values), bins).scatter_add_(1, places, torch.ones_like(values))
    return entropy(counts / counts.sum(dim=1, keepdim=True))
