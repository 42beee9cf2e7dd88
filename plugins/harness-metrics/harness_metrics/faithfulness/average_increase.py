"""Increase in confidence (Chattopadhay et al. 2018)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import original_probability
from harness_metrics.faithfulness.citations import CHATTOPADHAY_2018
from harness_metrics.faithfulness.masked_image import masked_probability
from harness_metrics.imputation import ImageReference


@metric(category="faithfulness", direction="higher", bounds=(0, 1), passes=2, cite=CHATTOPADHAY_2018)
def average_increase(case: Case, *, reference: ImageReference = "black", absolute: bool = False) -> Tensor:
    """Whether the target's probability rises when only what the map shows is left of the image.

    Chattopadhay et al. 2018 (Grad-CAM++), section 4.1: ``1[Y < O]``, where O is the probability for the image multiplied by its map, which
    is scaled to a maximum of 1. The mean over samples, times 100, is the authors' increase in confidence in %. It shares its passes with
    `average-drop`.

    Args:
        case: the samples.
        reference: what shines through where the map is below 1. The authors multiply the image before preprocessing (``black``);
            implementations that multiply the preprocessed input mean ``zero``.
        absolute: take |a| instead of the positive part as what the map shows.

    Returns:
        ``(B,)`` of 0 and 1, higher is better; defined for every sample. A map without a positive value shows nothing.
    """
    before = original_probability(case)
    return (masked_probability(case, reference, absolute) > before).to(before)
