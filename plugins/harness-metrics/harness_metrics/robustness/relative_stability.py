"""The ratio that the relative stabilities have in common (Agarwal et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case
from harness_metrics.curves import original_logits
from harness_metrics.robustness.neighbours import EPSILON, Neighbourhood, answers


def largest_ratio(maps: Tensor, cause: Tensor, kept: Tensor) -> Tensor:
    """``max maps / max(cause, ε)`` over the neighbours that are ``kept``; NaN where none is, or where ``maps`` is.

    Args:
        maps: ``(B, S)`` relative changes of the map.
        cause: ``(B, S)`` changes of what the map is held against.
        kept: ``(B, S)`` bool.

    >>> largest_ratio(torch.tensor([[2.0, 9.0]]), torch.tensor([[4.0, 1.0]]), torch.tensor([[True, False]])).tolist()
    [0.5]
    """
    ratios = (maps / cause.clamp_min(EPSILON)).masked_fill(~kept, -torch.inf).amax(dim=1)
    return ratios.masked_fill(~kept.any(dim=1), torch.nan)


def keeps_class(case: Case, around: Neighbourhood) -> Tensor:
    """``(B, S)`` bool: the neighbours for which the model predicts the class that it predicts for the sample."""
    return answers(case, around).classes == original_logits(case).argmax(dim=1)[:, None]
