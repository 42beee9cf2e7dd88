"""Similarity of two maps: correlations, SSIM, HOG and overlap, batched on the device of the maps.

All are invariant to the scale of either map, computed in double precision on maps that are brought to a size of 1 first (so that maps of
1e-30 or 1e30 are no different from others), and NaN where a map is constant: it says nothing, so that it cannot agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from harness_metrics.hog import hog_descriptors
from harness_metrics.maps import share

Similarity = Literal["spearman", "pearson", "cosine", "ssim", "hog"]
"""Rank correlation, correlation, cosine, structural similarity, or the correlation of histograms of oriented gradients."""


def similarity(kind: Similarity) -> Callable[[Tensor, Tensor], Tensor]:
    """The function ``(B, H, W), (B, H, W) → (B,)`` of that name; 1 for equal maps, NaN where one is constant (``cosine``: 0).

    ``ssim`` and ``hog`` see each map brought to [0, 1] by its own minimum and maximum. The window of ``ssim`` (7 pixels) and the cells of
    ``hog`` (16) are of pixels, whatever the size of the image.
    """
    return lambda a, b: similarity_to(a, kind)(b)


def similarity_to(reference: Tensor, kind: Similarity) -> Callable[[Tensor], Tensor]:
    """`similarity` with one side given ``(B, H, W)``: what is ranked or described of it is so once for all that it is compared with."""
    describe, compare = _FORMS[kind]
    described = describe(reference)
    return lambda maps: compare(described, describe(maps))


def pearson(x: Tensor, y: Tensor) -> Tensor:
    """Correlation of the rows of ``(B, N)`` with those of ``(B, N)``: ``(B,)`` in [-1, 1]; NaN where a side is constant.

    >>> pearson(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[6.0, 4.0, 2.0]])).item()
    -1.0
    """
    return cosine(centred(x), centred(y))


def spearman(x: Tensor, y: Tensor) -> Tensor:
    """Rank correlation of the rows of ``(B, N)``: ``(B,)`` in [-1, 1], ties at their average rank; NaN where a side is constant.

    >>> spearman(torch.tensor([[1.0, 10.0, 100.0]]), torch.tensor([[-1.0, 0.0, 5.0]])).item()
    1.0
    """
    return pearson(_finite_ranks(x), _finite_ranks(y))


def average_ranks(x: Tensor) -> Tensor:
    """``(B, N)`` ascending ranks from 0 of each row, double; tied values share the mean of their ranks.

    >>> average_ranks(torch.tensor([[5.0, 1.0, 5.0, 7.0]])).tolist()
    [[1.5, 0.0, 1.5, 3.0]]
    """
    ordered, order = x.sort(dim=1)
    places = torch.arange(x.shape[1], device=x.device)
    differs = ordered[:, 1:] != ordered[:, :-1]
    starts, ends = F.pad(differs, (1, 0), value=True), F.pad(differs, (0, 1), value=True)
    first = torch.where(starts, places, 0).cummax(dim=1).values
    last = torch.where(ends, places, x.shape[1]).flip(1).cummin(dim=1).values.flip(1)
    shared = (first + last).double() / 2
    return torch.empty_like(shared).scatter_(1, order, shared)


def cosine(x: Tensor, y: Tensor) -> Tensor:
    """Cosine of the angle between the rows of ``(B, N)``: ``(B,)`` in [-1, 1]; NaN where a side is 0.

    >>> cosine(torch.tensor([[1.0, 0.0]]), torch.tensor([[1e-30, 1e-30]])).item()
    0.7071067811865475
    """
    x, y = _scaled(x), _scaled(y)
    lengths = torch.linalg.vector_norm(x, dim=1) * torch.linalg.vector_norm(y, dim=1)
    return share((x * y).sum(dim=1), lengths).clamp(-1, 1)


def centred(x: Tensor) -> Tensor:
    """Rows of ``(B, N)`` less their mean, double, scaled against under- and overflow; a constant row becomes exactly 0."""
    scaled = _scaled(x)
    constant = scaled.amax(dim=1, keepdim=True) == scaled.amin(dim=1, keepdim=True)
    return (scaled - scaled.mean(dim=1, keepdim=True)).masked_fill(constant, 0)


def unit_range(maps: Tensor) -> Tensor:
    """Each of ``(B, H, W)`` brought to [0, 1] by its own minimum and maximum, double; a constant map becomes NaN."""
    maps = _scaled(maps.flatten(1)).view_as(maps)
    low, high = maps.amin(dim=(-2, -1), keepdim=True), maps.amax(dim=(-2, -1), keepdim=True)
    return share(maps - low, high - low)


def ssim(a: Tensor, b: Tensor, data_range: float = 1.0, window: int = 7) -> Tensor:
    """Mean structural similarity of ``(B, H, W)`` and ``(B, H, W)``: ``(B,)`` in [-1, 1] (Wang et al. 2004, equation 13).

    Args:
        a: maps, in the units of ``data_range``.
        b: maps in the same units.
        data_range: the largest less the smallest value that a map can have; it scales the constants (0.01 · range)² and (0.03 · range)².
        window: side of the sliding window, uniform weights, sample covariance, only windows wholly inside, as scikit-image takes by
            default; for a smaller map the largest odd side that fits.
    """
    side = min(window, *a.shape[-2:])
    side -= 1 - side % 2
    a, b = a.double(), b.double()
    mean_a, mean_b, square_a, square_b, product = (_windowed(values, side) for values in (a, b, a * a, b * b, a * b))
    sample = side**2 / max(1, side**2 - 1)
    variances = sample * (square_a - mean_a**2 + square_b - mean_b**2)
    covariance = sample * (product - mean_a * mean_b)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    local: Tensor = (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (variances + c2))
    return local.mean(dim=(-2, -1))


def hog(a: Tensor, b: Tensor) -> Tensor:
    """Correlation of the histograms of oriented gradients of ``(B, H, W)`` and ``(B, H, W)``, as Adebayo et al. 2018 compare maps.

    ``(B,)`` in [-1, 1]; NaN where a map has no edges. Cells have 16 pixels a side, or a third of a side shorter than 48, and
    do not grow with the image: of 224 × 224 pixels there are 14 × 14, of 64 × 64 four by four, so that scores of one size of images are
    not to be compared with those of another.
    """
    return pearson(_described(a), _described(b))


def top_overlap(a: Tensor, b: Tensor, fraction: float) -> Tensor:
    """Intersection over union of the ``fraction`` most relevant pixels of two maps: ``(B,)`` in [0, 1].

    Args:
        a: ``(B, H, W)`` places in descending order, 0 the most relevant (`harness_metrics.ordering.ranks`, ties in a seeded order).
        b: places of the other map.
        fraction: of all pixels, rounded, at least one.
    """
    count = max(1, round(fraction * a[0].numel()))
    top_a, top_b = (a < count).flatten(1), (b < count).flatten(1)
    return (top_a & top_b).sum(dim=1).double() / (top_a | top_b).sum(dim=1)


def _finite_ranks(x: Tensor) -> Tensor:
    """`average_ranks`, NaN for a row that is not finite."""
    return average_ranks(x).masked_fill(~x.isfinite().all(dim=1, keepdim=True), torch.nan)


def _described(maps: Tensor) -> Tensor:
    return hog_descriptors(maps, cell=max(1, min(16, min(maps.shape[-2:]) // 3)))


def _scaled(x: Tensor) -> Tensor:
    """Rows divided by their largest absolute value, double; a row of 0 stays."""
    x = x.double()
    largest = x.abs().amax(dim=1, keepdim=True)
    return torch.where(largest > 0, x / largest, x)


def _windowed(maps: Tensor, side: int) -> Tensor:
    """Means over the windows that lie wholly inside: columns, then rows."""
    return F.avg_pool2d(F.avg_pool2d(maps, (side, 1), stride=1), (1, side), stride=1)


_FORMS: dict[Similarity, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "spearman": (lambda maps: _finite_ranks(maps.flatten(1)), pearson),
    "pearson": (lambda maps: maps.flatten(1), pearson),
    "cosine": (lambda maps: maps.flatten(1), cosine),
    "ssim": (unit_range, ssim),
    "hog": (lambda maps: _described(unit_range(maps)), pearson),
}
"""What is made of each map, and how two of these are compared."""
