"""Average drop (Chattopadhay et al. 2018)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import original_probability
from harness_metrics.faithfulness.citations import CHATTOPADHAY_2018
from harness_metrics.faithfulness.masked_image import masked_probability
from harness_metrics.imputation import ImageReference
from harness_metrics.maps import share


@metric(category="faithfulness", direction="lower", bounds=(0, 1), passes=2, cite=CHATTOPADHAY_2018)
def average_drop(case: Case, *, reference: ImageReference = "black", absolute: bool = False) -> Tensor:
    """Share of the target's probability that is lost when only what the map shows is left of the image.

    Chattopadhay et al. 2018 (Grad-CAM++), section 4.1: ``max(0, Y − O) / Y``, where O is the probability for the image multiplied by its
    map, which is scaled to a maximum of 1. The mean over samples, times 100, is the authors' average drop in %. A map of 1 everywhere
    drops nothing: read it beside a metric of localisation or complexity.

    Args:
        case: the samples.
        reference: what shines through where the map is below 1. The authors multiply the image before preprocessing (``black``);
            implementations that multiply the preprocessed input mean ``zero``.
        absolute: take |a| instead of the positive part as what the map shows.

    Returns:
        ``(B,)`` in [0, 1], lower is better; NaN where the probability is 0 to begin with. A map without a positive value shows nothing.
    """
    before = original_probability(case)
    return share((before - masked_probability(case, reference, absolute)).clamp_min(0), before)
