"""CCS (Elisha et al. 2025)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness.api.transfer import sent
from harness_metrics.curves import area
from harness_metrics.faithfulness.citations import ELISHA_2025
from harness_metrics.imputation import Imputation, imputer
from harness_metrics.information import Fraction
from harness_metrics.memory import runs_of
from harness_metrics.ordering import case_ranks
from harness_metrics.rivals import rival_classes


def _passes(params: Mapping[str, Any]) -> float:
    """One per fraction, and one for the image as it is, of which the rival is read."""
    return len(params["fractions"]) + 1


@metric(category="faithfulness", direction="lower", bounds=(-1, 1), passes=_passes, cite=ELISHA_2025)
def ccs(
    case: Case,
    *,
    fractions: Annotated[tuple[Fraction, ...], Field(min_length=2)] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    reference: Imputation = "black",
    absolute: bool = False,
) -> Tensor:
    """Lead of the target over its closest rival that is left as the most relevant pixels are removed.

    Elisha et al. 2025 (RFxG), the first of their contrastive scores: "why this class and not that one?" is answered by pixels whose removal
    costs the one and not the other. The mean over the removed share α of ``p(target) − p(rival)``, by the trapezoidal rule; the authors'
    area is this times the range of α. The rival is the class of the greatest logit besides the target's, where the authors name one. Their
    other scores (CGC, PGS, CGS) are of groups of classes, of which a dataset here says nothing.

    Args:
        case: the samples.
        fractions: of the pixels that are removed, in any order, one forward pass each; the authors' own.
        reference: what removed pixels become: the authors' black, blurred image or noise.
        absolute: order by |a| instead of by the signed value.

    Returns:
        ``(B,)`` in [-1, 1], lower is better; defined for every sample. Ties are in the seeded order of `ordering`.

    Raises ``ValueError`` where all fractions are the same.
    """
    fractions = tuple(sorted(fractions))
    if fractions[0] == fractions[-1]:
        raise ValueError(f"there is no area over the one fraction {fractions[0]}: name two that differ")
    ranks, fill, leads = case_ranks(case, absolute), imputer(case, reference), []
    two = torch.cat([case.targets[:, None], rival_classes(case, 1)], dim=1)
    counts = torch.tensor([int(fraction * ranks[0].numel()) for fraction in fractions], dtype=ranks.dtype)
    ends = sent(counts, ranks.device)[:, None, None, None]
    for run in runs_of(len(fractions), case.images):
        inputs = fill(ranks < ends[run.start : run.stop])
        probabilities = case.model.probabilities(case.predict(inputs.flatten(0, 1)))
        of_two = probabilities.gather(1, two.repeat(len(run), 1)).unflatten(0, (len(run), len(two)))
        leads.append(of_two[..., 0] - of_two[..., 1])
    return area(torch.cat(leads).T, fractions)
