"""Average gain (Zhang et al. 2024)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import original_logits, target_shortfall
from harness_metrics.faithfulness.citations import ZHANG_2024
from harness_metrics.faithfulness.masked_image import masked_logits
from harness_metrics.imputation import ImageReference
from harness_metrics.maps import share


@metric(category="faithfulness", direction="higher", bounds=(0, 1), passes=2, cite=ZHANG_2024)
def average_gain(case: Case, *, reference: ImageReference = "black", absolute: bool = False) -> Tensor:
    """Share of what the target's probability lacks of 1 that is won when only what the map shows is left of the image.

    Zhang et al. 2024 (Opti-CAM), section 4: ``max(0, O − Y) / (1 − Y)``, where O is the probability for the image multiplied by its map,
    which is scaled to a maximum of 1: the counterpart of `average-drop`, with which it shares its passes, in the place of
    `average-increase`, which counts gains and not how great they are. The mean over samples, times 100, is the authors' average gain in %.

    Args:
        case: the samples.
        reference: what shines through where the map is below 1. The authors multiply the image before preprocessing (``black``);
            implementations that multiply the preprocessed input mean ``zero``.
        absolute: take |a| instead of the positive part as what the map shows.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where nothing is lacking: the probability of all others is 0 to begin with. A map
        without a positive value shows nothing.
    """
    logits = original_logits(case), masked_logits(case, reference, absolute)
    before, after = (target_shortfall(case.model, one, case.targets) for one in logits)
    return share((before - after).clamp_min(0), before)
