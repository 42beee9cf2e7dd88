"""Several explainers of one decision, and one map of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, Context, Explainer
from harness_triad.fusion import Negative, with_negatives


def fused(
    explainers: Mapping[str, Explainer],
    fuse: Callable[[Tensor], Tensor],
    negative: Negative,
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    ctx: Context,
) -> Attribution:
    """The map that ``fuse`` makes of those of some explainers, ``(M, B, H, W)`` to ``(B, H, W)``, and these by name as its parts."""
    parts = {name: each(model, images, targets, ctx=ctx).map for name, each in explainers.items()}
    return Attribution(fuse(with_negatives(torch.stack(list(parts.values())), negative)), parts=parts)
