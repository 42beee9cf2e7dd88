"""Classes that compete with the target: those that the model finds likeliest besides it."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Unexplained
from harness_metrics.curves import original_logits


def rival_classes(case: Unexplained, count: int) -> Tensor:
    """``(B, count)`` the classes of the greatest logits but the target's, the likeliest first.

    Raises ``ValueError`` where there are fewer.
    """
    if count >= case.model.num_classes:
        raise ValueError(f"{count} classes besides the target of a model that has {case.model.num_classes} in all: choose less")
    logits = original_logits(case).scatter(1, case.targets[:, None], -torch.inf)
    return logits.argsort(dim=1, descending=True, stable=True)[:, :count]
