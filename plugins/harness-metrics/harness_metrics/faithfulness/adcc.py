"""ADCC (Poppi et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import POPPI_2021
from harness_metrics.faithfulness.average_drop import average_drop
from harness_metrics.imputation import ImageReference
from harness_metrics.maps import mass
from harness_metrics.robustness.coherency import coherency


@metric(category="faithfulness", direction="higher", needs={"explainer"}, bounds=(0, 1), passes=1, cite=POPPI_2021)
def adcc(case: Case, *, reference: ImageReference = "black", absolute: bool = False) -> Tensor:
    """Harmonic mean of coherency, 1 − complexity and 1 − average drop: a map that shows little, from which the model and itself follow.

    Poppi et al. 2021: ``3 / (1 / coherency + 1 / (1 − complexity) + 1 / (1 − average drop))``, where complexity is the mean of the map
    scaled to [0, 1] (its L1 norm divided by the number of pixels), and the others are `coherency` and `average-drop`, with which it
    shares passes and maps. Each of the three can be had for nothing, all of them cannot: a map of 1 everywhere drops nothing, and
    shows all. (The authors' published code multiplies by 3 where the paper divides.)

    Args:
        case: the samples; their explainer explains what the map shows.
        reference: what shines through where the map is below 1, as of `average-drop`.
        absolute: take |a| instead of the positive part as what the map shows, and compare |a|.

    Returns:
        ``(B,)`` in [0, 1], higher is better, 0 where one of the three is; NaN where one of them is undefined: for a map that is constant.
    """
    parts = [
        coherency(case, reference=reference, absolute=absolute),
        1 - shown_share(case.attributions, absolute),
        1 - average_drop(case, reference=reference, absolute=absolute),
    ]
    return harmonic_mean(torch.stack([part.double() for part in parts], dim=1))


def shown_share(attributions: Tensor, absolute: bool) -> Tensor:
    """Mean ``(B,)`` of maps ``(B, H, W)`` scaled to a maximum of 1: the authors' complexity."""
    return mass(attributions, absolute).mean(dim=(-2, -1))


def harmonic_mean(values: Tensor) -> Tensor:
    """``(B, N)`` of at least 0 → ``(B,)``; 0 where one value is 0, NaN where one is NaN.

    >>> harmonic_mean(torch.tensor([[0.5, 1.0], [0.0, 1.0]])).tolist()
    [0.6666666865348816, 0.0]
    """
    return values.shape[1] / (1 / values.clamp_min(0)).sum(dim=1)
