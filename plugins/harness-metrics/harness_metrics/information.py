"""Performance information curves (Kapishnikov et al. 2019): how well a model does by how much information of the image it is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from harness.api import Case, Unexplained
from harness.api.transfer import sent
from harness_metrics.compressed_size import Size, compressed_sizes
from harness_metrics.curves import original_logits, target_probability
from harness_metrics.imputation import Imputation, imputer
from harness_metrics.maps import share
from harness_metrics.memory import runs_of
from harness_metrics.ordering import case_ranks

REVEALED = 0.01
"""Share of the pixels that are never hidden, drawn at random; the authors' default."""

PUBLISHED_FRACTIONS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.10, 0.13, 0.21, 0.34, 0.5, 0.75)
"""Shares of the most relevant pixels that are shown: those of the authors' example."""


Fraction = Annotated[float, Field(gt=0, lt=1)]


class Points(NamedTuple):
    """Points of a curve, before they are held against its ends.

    Attributes:
        sizes: ``(B, S)`` compressed sizes of what is shown.
        probabilities: ``(B, S)`` of the target.
        hits: ``(B, S)`` 1 where the target has the greatest logit, else 0.
    """

    sizes: Tensor
    probabilities: Tensor
    hits: Tensor


def case_points(case: Case, fractions: Sequence[float], impute: Imputation, size: Size, absolute: bool) -> tuple[Points, Points]:
    """The points of a case's maps, and those of nothing and of all shown, in this order.

    Shown are the most relevant pixels of the map and those of `revealed`; all others are filled in from them. The points are computed once
    for all metrics, and the two ends, which no map decides, once for all explainers.
    """
    fractions = tuple(sorted(fractions))

    def compute() -> Tensor:
        ranks, always, fill = case_ranks(case, absolute), revealed(case), imputer(case, impute)
        counts = [shown_pixels(fraction, ranks[0].numel()) for fraction in fractions]
        least = sent(torch.tensor(counts, dtype=ranks.dtype), ranks.device)[:, None, None, None]
        runs = runs_of(len(counts), case.images)
        return torch.cat([_predicted(case, fill((ranks >= least[run.start : run.stop]) & ~always), size) for run in runs], dim=1)

    def hidden(samples: Unexplained) -> Tensor:
        return _predicted(samples, imputer(samples, impute)(~revealed(samples)[None]), size)[:, 0]

    def whole(samples: Unexplained) -> Tensor:
        return compressed_sizes(samples.model.denormalise(samples.images), size)

    nothing = case.for_all_explainers(["information of nothing", impute, size], hidden)
    everything = _points(case, case.for_all_explainers(["compressed size", size], whole)[None], original_logits(case)[None])[:, 0]
    points = case.shared(("harness-metrics", "information", impute, size, fractions, absolute), compute)
    return Points(*points.unbind(2)), Points(*torch.stack([nothing, everything], dim=1).unbind(2))


def revealed(case: Unexplained) -> Tensor:
    """``(B, H, W)`` bool: a random hundredth of each image's pixels, and its corners; the same for every explainer."""
    height, width = case.images.shape[-2:]
    order = case.ctx.fresh("revealed pixels").permutation(height * width).to(case.images.device)
    shown = torch.zeros(len(order), height * width, dtype=torch.bool, device=order.device)
    shown = shown.scatter_(1, order[:, : int(REVEALED * height * width)], True).view(-1, height, width)
    shown[:, :: max(1, height - 1), :: max(1, width - 1)] = True
    return shown


def shown_pixels(fraction: float, pixels: int) -> int:
    """How many pixels are at or above the quantile ``1 − fraction`` of as many different values, which NumPy takes between two of them.

    >>> shown_pixels(0.1, 50), shown_pixels(0.5, 3)
    (5, 2)
    """
    return pixels - math.ceil((1 - fraction) * (pixels - 1) - 1e-9)


def curve_area(sizes: Tensor, outputs: Tensor, ends_of_sizes: Tensor, ends_of_outputs: Tensor, monotonous: bool) -> Tensor:
    """Area ``(B,)`` under the model's output over the size of what it is shown, both from 0 for nothing to 1 for all.

    Args:
        sizes: ``(B, S)`` as more and more is shown.
        outputs: ``(B, S)`` of the model.
        ends_of_sizes: ``(B, 2)`` with nothing shown, and with all.
        ends_of_outputs: ``(B, 2)`` the same of outputs.
        monotonous: whether a point stands at the greatest output so far.

    Returns:
        ``(B,)`` in [0, 1]; NaN where all is no larger than nothing, or the output for all no greater.
    """
    across, along = _from_nothing_to_all(sizes, ends_of_sizes), _from_nothing_to_all(outputs, ends_of_outputs)
    if monotonous:
        along = along.cummax(dim=1).values
    across, along = (F.pad(F.pad(values, (0, 1), value=0.0), (0, 1), value=1.0) for values in (across, along))
    order = across.argsort(dim=1, stable=True)
    return torch.trapezoid(along.gather(1, order), across.gather(1, order), dim=1)


def _from_nothing_to_all(values: Tensor, ends: Tensor) -> Tensor:
    """``(B, S)`` with 0 at the first of ``ends`` (B, 2) and 1 at the second, clipped; NaN where the second is not the greater."""
    nothing, everything = ends[:, :1], ends[:, 1:]
    return share(values - nothing, (everything - nothing).clamp_min(0)).clamp(0, 1)


def _predicted(samples: Unexplained, inputs: Tensor, size: Size) -> Tensor:
    """Points ``(B, S, 3)`` of inputs ``(S, B, C, H, W)``."""
    flat = inputs.flatten(0, 1)
    sizes = compressed_sizes(samples.model.denormalise(flat), size)
    return _points(samples, sizes.unflatten(0, inputs.shape[:2]), samples.predict(flat).unflatten(0, inputs.shape[:2]))


def _points(samples: Unexplained, sizes: Tensor, logits: Tensor) -> Tensor:
    """Points ``(B, S, 3)`` of sizes ``(S, B)`` and logits ``(S, B, K)``."""
    flat, targets = logits.flatten(0, 1).float(), samples.targets.repeat(len(logits))
    probabilities = target_probability(samples.model, flat, targets).view_as(sizes)
    hits = (flat.argmax(dim=1) == targets).view_as(sizes)
    return torch.stack([sizes, probabilities.double(), hits.double()], dim=2).transpose(0, 1)
