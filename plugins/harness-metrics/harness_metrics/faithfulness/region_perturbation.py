"""Region perturbation (Samek et al. 2017)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import Output, case_curve
from harness_metrics.faithfulness.citations import SAMEK_2017
from harness_metrics.imputation import RANDOM, Imputation
from harness_metrics.passes import region_passes
from harness_metrics.patches import grid_of


@metric(category="faithfulness", direction="higher", passes=region_passes, cite=SAMEK_2017)
def region_perturbation(
    case: Case,
    *,
    patch: Annotated[int, Field(ge=1)] = 9,
    regions: Annotated[int, Field(ge=1)] = 100,
    impute: Imputation = "noise",
    runs: Annotated[int, Field(ge=1)] = 10,
    output: Output = "logit",
    absolute: bool = False,
) -> Tensor:
    """Area over the curve of the target's logit as the most relevant regions are replaced by noise.

    Samek et al. 2017: ``AOPC = 1/(L+1) Σ_{k=0..L} f(x⁰) − f(x^k)``, where x^k is the image without its k most relevant
    regions. Regions are patches that do not overlap, on a centred grid; a region's relevance is the sum over its pixels.

    Quantus returns f(x⁰) − f(x^k) for k from 1 to L without their mean, and its ``uniform`` is one number per image and step, not one per
    pixel, over [0, 1] whatever the range of the inputs.

    Args:
        case: the samples.
        patch: side of a region in pixels; the authors' is 9.
        regions: L, one forward pass each; all of them where the image has fewer. The authors perturb 100 of 625.
        impute: what stands in their place; the authors draw every pixel from a uniform distribution.
        runs: over how many draws of ``noise`` (or ``noisy-linear``) the score is averaged; the other imputations need one.
        output: ``logit``, or ``probability``.
        absolute: order by the sum of |a| instead of the signed sum.

    Returns:
        ``(B,)``, higher is better, in [-1, 1] for probabilities; defined for every sample. Tied regions are in a seeded order.
    """
    rows, columns = grid_of((case.attributions.shape[-2], case.attributions.shape[-1]), patch)
    counts = range(min(regions, rows * columns) + 1)
    draws = range(runs if impute in RANDOM else 1)
    curves = [case_curve(case, counts, "morf", impute, patch=patch, absolute=absolute, draw=draw, output=output) for draw in draws]
    curve = torch.stack(curves).mean(dim=0)
    return (curve[:, :1] - curve).mean(dim=1)
