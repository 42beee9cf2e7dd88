"""Fusing the maps of several explainers: pure functions from ``(M, B, H, W)`` to ``(B, H, W)``.

Every fusion is free of each map's scale, of the order of the maps and of the other samples in the batch; M equal maps fuse to
themselves (as `unit_mass` or `signed_ranks` have them); a map that is 0 everywhere counts as one that saw nothing. Negative values are
evidence against the target, and stay so unless `with_negatives` has dealt with them before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from harness.api import to_float64

Negative = Literal["keep", "drop", "absolute"]


def with_negatives(maps: Tensor, negative: Negative) -> Tensor:
    """Maps ``(M, B, H, W)`` with their negative evidence kept as it is, set to 0, or counted by its size."""
    if negative == "drop":
        return maps.clamp(min=0)
    return maps.abs() if negative == "absolute" else maps


def unit_mass(maps: Tensor) -> Tensor:
    """Each map of ``(…, H, W)`` divided by the sum of its absolute values; a zero map stays zero."""
    peak = _or_one(maps.abs().amax(dim=(-2, -1), keepdim=True))
    scaled = maps / peak
    return scaled / _or_one(scaled.abs().sum(dim=(-2, -1), keepdim=True))


def mean(maps: Tensor) -> Tensor:
    """AGG-Mean: the mean of maps of unit mass (Rieger and Hansen 2019)."""
    return unit_mass(maps).mean(dim=0)


def variance(maps: Tensor, stabiliser: float = 10.0) -> Tensor:
    """AGG-Var: the mean of maps of unit mass, divided by their standard deviation at each pixel (Rieger and Hansen 2019).

    The deviation (over all M maps) is kept from 0 by a constant ε, ``stabiliser`` times the mean deviation. The mean is taken over the
    sample's own pixels, as one over a data set would let a map depend on other images. What is returned is mean / (1 + σ/ε): the
    quotient mean / (σ + ε) times ε, one positive number per sample, so that maps that agree everywhere (σ = ε = 0) have a value too.
    """
    units = unit_mass(to_float64(maps))
    centre = units.mean(dim=0)
    deviation = units.std(dim=0, correction=0)
    constant = torch.maximum(stabiliser * _mean(deviation), NOISE * _mean(centre.abs()))
    return (centre / (1 + deviation / _or_one(constant))).to(maps)


def product(maps: Tensor) -> Tensor:
    """Coarse region × fine pixels: the geometric mean of maps of unit mass, where they agree in sign.

    A pixel is evidence for the target where all maps say so, evidence against it where all say that, and 0 where they differ or one of
    them is 0: the product of two negative values is not evidence for anything.
    """
    units = unit_mass(to_float64(maps))
    size = units.abs().log().mean(dim=0).exp()
    agreed = (units > 0).all(dim=0).to(size.dtype) - (units < 0).all(dim=0).to(size.dtype)
    return (agreed * size).to(maps)


def rank(maps: Tensor) -> Tensor:
    """The mean of the maps' `signed_ranks`, in [-1, 1]: of each map only the order of its pixels counts."""
    return signed_ranks(maps).mean(dim=0)


def signed_ranks(maps: Tensor) -> Tensor:
    """Each value of ``(…, H, W)`` replaced by the rank of its size among its map's non-zero values, with its sign.

    As in Wilcoxon's test, ties share their mean rank, and zeros have rank 0: no evidence stays none. Ranks are divided by the number of
    pixels, so that the largest of a map without zeros or ties is ±1.
    """
    flat = maps.flatten(-2)
    sizes = flat.abs()
    ordered = sizes.sort(dim=-1).values
    below = torch.searchsorted(ordered, sizes)
    upto = torch.searchsorted(ordered, sizes, right=True)
    zeros = (sizes == 0).sum(dim=-1, keepdim=True)
    ranks = (below + upto + 1).to(maps.dtype) / 2 - zeros
    return (flat.sign() * ranks / flat.shape[-1]).reshape(maps.shape)


NOISE = 1e-4  # of the mean mass: deviations below it are rounding, not disagreement
FUSIONS: Mapping[str, Callable[[Tensor], Tensor]] = {"mean": mean, "variance": variance, "product": product, "rank": rank}


def _mean(maps: Tensor) -> Tensor:
    return maps.mean(dim=(-2, -1), keepdim=True)


def _or_one(divisor: Tensor) -> Tensor:
    """The divisor, with 1 in place of 0."""
    return torch.where(divisor == 0, torch.ones_like(divisor), divisor)
