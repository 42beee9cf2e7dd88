"""Relevance rank accuracy (Arras et al. 2022)."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import ARRAS_2022
from harness_metrics.localisation.precision import precision_at_size
from harness_metrics.maps import masks_of
from harness_metrics.ordering import case_ranks


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1), passes=0, cite=ARRAS_2022)
def relevance_rank_accuracy(case: Case, *, absolute: bool = False) -> Tensor:
    """Share of the K most relevant pixels inside the mask, K its number of pixels.

    Arras et al. 2022: ``|P_topK ∩ GT| / K``. It is explanation precision, but for evidence in favour of the target: by
    default pixels are ranked by their signed value.

    Args:
        case: the samples.
        absolute: rank by |a| instead.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where the mask is empty. Ties are in the seeded order of `ordering` (Quantus: by
        position).
    """
    return precision_at_size(case_ranks(case, absolute), masks_of(case))
