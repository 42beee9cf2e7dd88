"""Top-k intersection (Theiner et al. 2022)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import THEINER_2022
from harness_metrics.maps import masks_of, share
from harness_metrics.ordering import case_ranks


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, None), passes=0, cite=THEINER_2022)
def top_k_intersection(
    case: Case, *, k: Annotated[int, Field(ge=1)] = 1000, concept_influence: bool = False, absolute: bool = False
) -> Tensor:
    """Share of the k most important pixels inside the mask.

    Theiner et al. 2022: ``|E_k ∩ S| / k``, E_k the k pixels of greatest relevance and S the mask; their concept influence
    divides it by ``|S| / |I|``, the mask's share of the image, so that 1 is chance whatever the size of the object.

    Args:
        case: the samples.
        k: pixels; 1000 is the authors'. Where an image has fewer, all are taken, and the score is the mask's share of the image.
        concept_influence: divide by the mask's share of the image.
        absolute: rank by |a| instead of by the signed value.

    Returns:
        ``(B,)`` in [0, 1], or with ``concept_influence`` in [0, pixels / |S|]; higher is better; NaN where the mask is empty. Ties are in
        the seeded order of `ordering` (the authors and Quantus: by position).
    """
    return hits_of_top(case_ranks(case, absolute), masks_of(case), k, concept_influence)


def hits_of_top(ranks: Tensor, masks: Tensor, k: int, concept_influence: bool = False) -> Tensor:
    """``(B,)`` the share of the pixels ranked below ``k`` that lie inside the mask, ``(B, H, W)`` both; NaN for an empty mask.

    >>> import torch
    >>> hits_of_top(torch.tensor([[[0, 2], [1, 3]]]), torch.tensor([[[True, True], [False, True]]]), k=2).tolist()
    [0.5]
    """
    pixels = ranks[0].numel()
    hits = (masks & (ranks < k)).sum(dim=(-2, -1)).float() / min(k, pixels)
    covered = masks.sum(dim=(-2, -1)).float() / pixels
    return share(hits, covered) if concept_influence else share(hits * covered, covered)
