"""Dual-polarity precision (Cedro and Chlebus 2026)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import CEDRO_2026
from harness_metrics.localisation.segmentation import unless_empty
from harness_metrics.maps import masks_of, share


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=CEDRO_2026)
def dual_polarity_precision(case: Case) -> Tensor:
    """Share of the relevance that has the right sign: positive inside the mask, negative outside.

    Cedro and Chlebus 2026: it "measures positive attributions inside the class mask and negative attributions outside it". Here as
    ``(Σ_in a⁺ + Σ_out a⁻) / Σ |a|``. Their published code computes the positive part alone, which is `relevance-mass-accuracy`, and which
    this is of a map without negative values: compare signed maps with signed ones.

    Args:
        case: the samples.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty or the map is 0 everywhere. A constant positive map scores the
        mask's share of the image, a random signed one 0.5.
    """
    maps, masks = case.attributions, masks_of(case)
    largest = maps.abs().amax(dim=(-2, -1), keepdim=True)
    values = torch.where(largest > 0, maps / largest, 0).double()
    right = torch.where(masks, values, -values).clamp_min(0)
    return unless_empty(share(right.sum(dim=(-2, -1)), values.abs().sum(dim=(-2, -1))), masks)
