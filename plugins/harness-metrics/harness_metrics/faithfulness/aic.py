"""Accuracy information curve (Kapishnikov et al. 2019)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.compressed_size import Size
from harness_metrics.faithfulness.citations import KAPISHNIKOV_2019
from harness_metrics.imputation import Imputation
from harness_metrics.information import PUBLISHED_FRACTIONS, Fraction, case_points, curve_area
from harness_metrics.passes import information_passes


@metric(category="faithfulness", direction="higher", bounds=(0, 1), passes=information_passes, cite=KAPISHNIKOV_2019)
def aic(
    case: Case,
    *,
    fractions: Annotated[tuple[Fraction, ...], Field(min_length=1)] = PUBLISHED_FRACTIONS,
    impute: Imputation = "linear",
    size: Size = "residuals",
    monotonous: bool = True,
    absolute: bool = False,
) -> Tensor:
    """Area under whether the target is predicted by how much of the image's information is shown, the most relevant pixels first.

    Kapishnikov et al. 2019 (XRAI), section 4: as `sic`, with which it shares its passes, with 1 where the target has the greatest logit
    and else 0 in the place of its probability. With ``monotonous`` it is 1 less the share of the image's information with which the
    model first predicts the target, but for the slope towards that point.

    Args:
        case: the samples.
        fractions: of the most relevant pixels, one forward pass each; the authors' own.
        impute: how pixels that are not shown are filled in, as of `sic`.
        size: how information is measured, as of `sic`.
        monotonous: let a point stay at 1 once the target was predicted, as the authors do.
        absolute: order by |a| instead of by the signed value.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the target is not predicted for the whole image, or is for the first one, and where
        the whole image is not the larger. Ties are in the seeded order of `ordering`.
    """
    points, ends = case_points(case, fractions, impute, size, absolute)
    return curve_area(points.sizes, points.hits, ends.sizes, ends.hits, monotonous)
