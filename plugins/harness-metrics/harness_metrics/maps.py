"""Maps as distributions over pixels, and samples for which a metric is undefined."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case

VALUES_ALONE = "it sees which values a map has, not where, and the inverted map has the same"
"""Why what counts the values of a map is no metric of an inverted one."""


class NeedsMasks(LookupError):
    """A metric of localisation, but the case has no masks."""


def masks_of(case: Case) -> Tensor:
    """``(B, H, W)`` bool, on the device of the maps; raises `NeedsMasks` where the dataset has none."""
    if case.masks is None:
        raise NeedsMasks("this metric needs masks of where the evidence is, but the dataset has none")
    return case.masks.to(case.attributions.device)


def share(part: Tensor, whole: Tensor) -> Tensor:
    """``part / whole``, NaN (undefined) where ``whole`` is 0."""
    return torch.where(whole == 0, torch.nan, part / whole)


def mass(attributions: Tensor, absolute: bool) -> Tensor:
    """The non-negative mass of each pixel: |a| or the positive part, ``(B, H, W)``, scaled by each map's maximum against under- and
    overflow.

    A map without mass stays 0 everywhere.
    """
    positive = attributions.abs() if absolute else attributions.clamp_min(0)
    largest = positive.amax(dim=(-2, -1), keepdim=True)
    return torch.where(largest > 0, positive / largest, 0)


def fractions(attributions: Tensor) -> Tensor:
    """``(B, H, W)`` → ``(B, P)``: |a| of each pixel as a fraction of the map's total; NaN for a map that is 0 everywhere."""
    values = mass(attributions, absolute=True).flatten(1)
    return share(values, values.sum(dim=1, keepdim=True))


def mass_inside(values: Tensor, masks: Tensor) -> Tensor:
    """The share of non-negative ``values`` (B, H, W) inside ``masks``; NaN for an empty mask or without mass.

    >>> mass_inside(torch.tensor([[[3.0, 1.0]]]), torch.tensor([[[True, False]]])).tolist()
    [0.75]
    """
    inside = share((values * masks).sum(dim=(-2, -1)), values.sum(dim=(-2, -1)))
    return torch.where(masks.flatten(1).any(dim=1), inside, torch.nan)


def energetic(values: Tensor, fraction: float) -> Tensor:
    """The pixels above the cut that keeps at least this share of the sum of non-negative ``values`` (B, H, W): bool, all false for 0.

    >>> energetic(torch.tensor([[[6.0, 3.0, 1.0, 0.0]]]), 0.8).tolist()
    [[[True, True, False, False]]]
    """
    descending = values.flatten(1).double().sort(dim=1, descending=True).values
    kept = descending.cumsum(dim=1)
    last = (kept < fraction * kept[:, -1:]).sum(dim=1, keepdim=True).clamp_max(descending.shape[1] - 1)
    cut = descending.gather(1, last)[..., None]
    return (values >= cut) & (values > 0)


def entropy(shares: Tensor) -> Tensor:
    """The entropy ``(B,)`` in nats of distributions ``(B, d)``; NaN where they are NaN.

    >>> round(entropy(torch.tensor([[0.5, 0.5, 0.0]])).item(), 4)
    0.6931
    """
    return -torch.xlogy(shares, shares).sum(dim=1)
