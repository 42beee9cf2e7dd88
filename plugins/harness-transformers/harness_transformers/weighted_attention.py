"""Attention weighted by its gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness_transformers import citations
from harness_transformers.attention import Start
from harness_transformers.attention_weights import attend, no_token_attention, token_attention


@explainer(passes=2, cite=citations.GENERIC_ATTENTION)
def generic_attention(model: Classifier, images: Tensor, targets: Tensor, *, start: Start = 0) -> Attribution:
    """Generic attention explainability: relevance that each block adds by attention × gradient (Chefer et al. 2021b, eq. 5 and 6).

    Returns ``(B, h, w)`` on the grid of tokens, not negative, in units of the target's logit: R ← R + mean over heads of max(0, A ⊙ ∂y/∂A)
    R, from the identity on; then the class token's row, or the mean row of those averaged.

    Args:
        start: the first block that counts.
    """
    if (reason := no_token_attention(model, start)) is not None:
        raise ValueError(reason)
    found = attend(model, images, targets)
    shares = [(weights * gradient).clamp(min=0).mean(dim=1) for weights, gradient in zip(*found, strict=True)]
    return token_attention(model).attribution(accumulated(shares[start:]))


generic_attention.applicable = no_token_attention  # type: ignore[attr-defined]


def accumulated(shares: list[Tensor]) -> Tensor:
    """Product of I + each of ``shares`` (B, N, N), the last block's first."""
    relevance = torch.eye(shares[0].shape[-1], device=shares[0].device, dtype=shares[0].dtype).expand_as(shares[0])
    for share in shares:
        relevance = relevance + share @ relevance
    return relevance
