"""ROAD: remove and debias (Rong et al. 2022)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import Order, case_curve, original_probability
from harness_metrics.faithfulness.citations import RONG_2022
from harness_metrics.imputation import Imputation
from harness_metrics.parameters import Deviation
from harness_metrics.passes import road_passes

Fraction = Annotated[float, Field(gt=0, lt=1)]


@metric(category="faithfulness", direction="higher", bounds=(-1, 1), passes=road_passes, cite=RONG_2022)
def road(
    case: Case,
    *,
    order: Literal["morf", "lerf", "combined"] = "morf",
    fractions: Fraction | Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.2, 0.4, 0.6, 0.8),
    impute: Imputation = "noisy-linear",
    noise: Deviation = 0.01,
    absolute: bool = False,
) -> Tensor:
    """Change of the target's probability as pixels are removed and imputed, averaged over thresholds.

    Rong et al. 2022: removed pixels are replaced by noisy linear imputation, from which the model cannot read the shape of what was
    removed, so that no retraining is needed. As a per-sample score, the confidence change averaged over 20, 40, 60 and 80 % removed, as
    Chaddad et al. 2025 report it. Its sign is chosen so that higher is better for every order:

    - ``morf``: p(image) − p(image without its most relevant pixels), the drop;
    - ``lerf``: p(image without its least relevant pixels) − p(image), the increase;
    - ``combined``: the mean of the two, that is (LeRF − MoRF) / 2, pytorch-grad-cam's ``ROADCombined``.

    ROAD prefers blurred maps (Park et al. 2023): read it beside a metric of localisation.

    Args:
        case: the samples.
        order: which pixels are removed first.
        fractions: shares of the pixels that are removed, or one of them: ``fractions: 0.2`` in a row of its own is the score at that
            threshold, and costs nothing beside their mean. (pytorch-grad-cam's percentiles are what is *kept*.)
        impute: what stands in their place; ``linear`` is without noise.
        noise: standard deviation of the imputed noise, for an image in [0, 1].
        absolute: order by |a| instead of by the signed value.

    Returns:
        ``(B,)`` in [-1, 1], higher is better; defined for every sample. Exactly the given share of pixels is removed, ties in the seeded
        order of `ordering`; a threshold on the value would remove all tied pixels or none.
    """

    def change(which: Order) -> Tensor:
        pixels = case.attributions[0].numel()
        counts = [round(fraction * pixels) for fraction in ((fractions,) if isinstance(fractions, float) else fractions)]
        curve = case_curve(case, counts, which, impute, noise=noise, absolute=absolute)
        return curve.mean(dim=1) - original_probability(case)

    if order == "combined":
        return (change("lerf") - change("morf")) / 2
    return -change("morf") if order == "morf" else change("lerf")
