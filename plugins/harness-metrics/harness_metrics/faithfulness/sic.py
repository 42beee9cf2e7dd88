"""Softmax information curve (Kapishnikov et al. 2019)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.compressed_size import Size
from harness_metrics.faithfulness.citations import KAPISHNIKOV_2019
from harness_metrics.imputation import Imputation
from harness_metrics.information import PUBLISHED_FRACTIONS, Fraction, case_points, curve_area
from harness_metrics.passes import information_passes


@metric(category="faithfulness", direction="higher", bounds=(0, 1), passes=information_passes, cite=KAPISHNIKOV_2019)
def sic(
    case: Case,
    *,
    fractions: Annotated[tuple[Fraction, ...], Field(min_length=1)] = PUBLISHED_FRACTIONS,
    impute: Imputation = "linear",
    size: Size = "residuals",
    confident: Annotated[float, Field(ge=0, le=1)] = 0.8,
    monotonous: bool = True,
    absolute: bool = False,
) -> Tensor:
    """Area under the target's probability by how much of the image's information is shown, the most relevant pixels first.

    Kapishnikov et al. 2019 (XRAI), section 4: from an image of which a random hundredth of the pixels is known and the rest is filled in,
    more and more of the most relevant pixels are put back. Against what each of these images takes when compressed, from 0 for the first to
    1 for the whole image, stands the probability on the same terms. A map that shows much of the image to say the same as another has a
    smaller area: unlike under `insertion`, what is shown does not count by its number of pixels but by how much they tell.

    It shares its passes with `aic`. Sizes are relative, so that which compression it is matters little: the rank correlation of
    ``residuals`` with ``webp`` over images that are shown in part is above 0.95.

    Args:
        case: the samples.
        fractions: of the most relevant pixels, one forward pass each; the authors' own.
        impute: how pixels that are not shown are filled in. The authors interpolate linearly on a triangulation of the known ones;
            ``linear`` is the means of neighbours (Rong et al. 2022), which is nearest to it, and computed on the device.
        size: ``residuals`` is the size that an ideal coder makes of the residuals of JPEG-LS's predictor, computed on the device;
            ``webp`` the length of a lossless WebP file as in the authors' code, which takes the CPU a tenth of a second for an image of
            224 × 224.
        confident: least probability of the target for the whole image; the score of others is undefined, as the authors skip them.
        monotonous: let a point stand at the greatest probability so far, as the authors do.
        absolute: order by |a| instead of by the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the probability for the whole image is below ``confident`` or not above that for the
        first image, and where the whole image is not the larger. Ties are in the seeded order of `ordering`. The mean over samples is the
        area under the mean of the authors' curves.
    """
    points, ends = case_points(case, fractions, impute, size, absolute)
    area = curve_area(points.sizes, points.probabilities, ends.sizes, ends.probabilities, monotonous)
    return torch.where(ends.probabilities[:, 1] >= confident, area, torch.nan)
