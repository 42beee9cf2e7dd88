"""The inverse of a map, and a metric's score of a map minus that of its inverse (see `harness.registry.inversion`)."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from harness.api.case import Case


def inverted_maps(maps: Tensor, tiebreak: Tensor) -> Tensor:
    """The maps with their values in the reverse order: the pixel of the k-th greatest value has the k-th least.

    Eiras-Franco et al. 2025, in Quantus their ``value-swap``. It keeps each map's values, so that also a map without negative ones has an
    inverse; the inverse of the inverse is the map, and that of a constant map is itself.

    Args:
        maps: ``(B, H, W)``.
        tiebreak: ``(B, H·W)`` permutations; of two equal pixels the one that comes first here counts as the greater.

    >>> inverted_maps(torch.tensor([[[9.0, -1.0], [0.0, 4.0]]]), torch.arange(4)[None]).tolist()
    [[[-1.0, 9.0], [4.0, 0.0]]]
    """
    flat = maps.flatten(1)
    order = tiebreak.gather(1, flat.gather(1, tiebreak).argsort(dim=1, descending=True, stable=True))
    return torch.empty_like(flat).scatter_(1, order, flat.gather(1, order).flip(1)).view_as(maps)


@dataclass(frozen=True)
class QualityGap:
    """A metric's score of a map minus that of its inverse, ``(B,)``; NaN if one of them is undefined.

    Attributes:
        score: the metric.
        sizes: whether it sees |a| alone: then the inverse is of |a|.
    """

    score: Callable[[Case], Tensor]
    sizes: bool = False

    def __call__(self, case: Case) -> Tensor:
        """The difference for a case; the inverse and what metrics compute of it alike is made once for all metrics of the case."""
        inverse = case.shared(("harness", "inverse", self.sizes), lambda: _Inverse.of(case, self.sizes))
        there = Case(
            case.model,
            case.images,
            case.targets,
            inverse.maps.clone(),
            case.ctx,
            labels=case.labels,
            forward=case.forward,
            memory=inverse.memory,
            evidence=case.evidence,
            sharing=case.sharing,
        )
        return self.score(case) - self.score(there)


@dataclass(frozen=True)
class _Inverse:
    """Inverted maps ``(B, H, W)``, and what metrics have in common of them."""

    maps: Tensor
    memory: dict[Hashable, object] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case, sizes: bool) -> _Inverse:
        maps = case.attributions.abs() if sizes else case.attributions
        tiebreak = case.ctx.fresh("order of ties in an inverse").permutation(maps[0].numel())
        return cls(inverted_maps(maps, tiebreak.to(maps.device)))
