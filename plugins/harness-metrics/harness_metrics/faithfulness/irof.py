"""IROF: iterative removal of features (Rieger and Hansen 2020)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness.api.transfer import sent
from harness_metrics.curves import original_probability, removal_outputs
from harness_metrics.faithfulness.citations import RIEGER_2020
from harness_metrics.imputation import Imputation, imputer
from harness_metrics.maps import share
from harness_metrics.passes import irof_passes
from harness_metrics.segments import case_superpixels, segment_ranks


@metric(category="faithfulness", direction="higher", bounds=(None, 1), passes=irof_passes, cite=RIEGER_2020)
def irof(
    case: Case,
    *,
    segments: Annotated[int, Field(ge=1)] = 100,
    compactness: Annotated[float, Field(gt=0)] = 10.0,
    impute: Imputation = "mean",
    absolute: bool = False,
) -> Tensor:
    """Area over the curve of the target's probability as superpixels are replaced by the mean, the most relevant first.

    Rieger and Hansen 2020: ``AOC( p(x^l) / p(x⁰) )`` for l from 0 to L, where x^l is the image without the l segments of
    largest mean relevance. The area is a trapezoid sum over the share of removed segments, so that it does not depend on their number.
    Removing segments rather than pixels leaves the model no pattern of holes to react to.

    Quantus raises on images of more than one channel. Its curve begins after the first segment, so that the first one's drop counts whole,
    and its area is a sum over segments, between 0 and their number. Its ``mean`` is that of the whole batch as perturbed so far, over all
    channels: a score depends on the neighbours, and the colour drifts from step to step.

    Args:
        case: the samples.
        segments: about how many SLIC segments an image is divided into, one forward pass each (scikit-image's default).
        compactness: of SLIC (scikit-image's default). Images are segmented before preprocessing, in CIELAB where they are RGB.
        impute: what stands in their place; ``mean`` is the image's mean colour.
        absolute: order by the mean of |a| instead of the signed mean.

    Returns:
        ``(B,)`` of at most 1, higher is better, negative where the probability rises on the whole; NaN where it is 0 to begin with. Tied
        segments are in a seeded order.
    """
    labels, units = case_superpixels(case, segments, compactness)
    maps = case.attributions.abs() if absolute else case.attributions
    tiebreak = case.ctx.fresh("order of tied segments").uniform((max(units),)).to(maps.device)
    counts = range(1, max(units) + 1)
    outputs = removal_outputs(case, segment_ranks(maps, labels, tiebreak), units, counts, "morf", imputer(case, impute))
    return area_over_curve(outputs[..., 0].T, original_probability(case), sent(torch.tensor(units), maps.device))


def area_over_curve(curve: Tensor, start: Tensor, lengths: Tensor) -> Tensor:
    """``1 −`` the trapezoid area under a falling curve, as a share of its start, over positions in [0, 1].

    Args:
        curve: ``(B, L)`` values after each step; of a sample only the first ``lengths[b]`` count.
        start: ``(B,)`` the value before the first step; the area is NaN where it is 0.
        lengths: ``(B,)`` int.

    >>> area_over_curve(torch.tensor([[0.4, 0.0], [0.2, torch.nan]]), torch.tensor([0.8, 0.4]), torch.tensor([2, 1])).tolist()
    [0.5, 0.25]
    """
    left = share(torch.cat([start[:, None], curve], dim=1), start[:, None])
    within = torch.arange(1, left.shape[1], device=curve.device) <= lengths[:, None]
    return 1 - torch.where(within, (left[:, 1:] + left[:, :-1]) / 2, 0).sum(dim=1) / lengths
