"""Attention, or its relevance, weighted by its gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness_transformers import citations
from harness_transformers.attention import Start
from harness_transformers.attention_weights import attend, no_token_attention, token_attention
from harness_transformers.positive_relevance import no_rule, relevance_of_attention


@explainer(family="attention", passes=2, cite=citations.GENERIC_ATTENTION)
def generic_attention(model: Classifier, images: Tensor, targets: Tensor, *, start: Start = 0) -> Attribution:
    """Generic attention explainability: relevance that each block adds by attention × gradient (Chefer et al. 2021b, eq. 5 and 6).

    Returns ``(B, h, w)`` on the grid of tokens, not negative, in units of the target's logit: R ← R + mean over heads of max(0, A ⊙ ∂y/∂A)
    R, from the identity on, which is left out at the end; the class token's row, or the mean row of those averaged.

    Args:
        start: the first block that counts.
    """
    if (reason := no_token_attention(model, start)) is not None:
        raise ValueError(reason)
    found = attend(model, images, targets)
    shares = [(weights * gradient).clamp(min=0).mean(dim=1) for weights, gradient in zip(*found, strict=True)]
    return token_attention(model).attribution(accumulated(shares[start:]))


def no_relevance(model: Classifier, start: int = 0) -> str | None:
    """Reason why no relevance of attention can be had from block ``start`` on; None where it can."""
    return no_token_attention(model, start) or no_rule(model)


@explainer(family="attention", passes=4, cite=citations.TRANSFORMER_ATTRIBUTION)
def transformer_attribution(model: Classifier, images: Tensor, targets: Tensor, *, start: Start = 0) -> Attribution:
    """Transformer attribution: relevance of attention × its gradient, followed through all blocks (Chefer et al. 2021a, eq. 13 and 14).

    Returns ``(B, h, w)`` on the grid of tokens, not negative: the product of I + mean over heads of max(0, R ⊙ ∂y/∂A), last block first,
    less I; the class token's row, or the mean row of those averaged. R is the weights' relevance by positive contributions, with both
    factors of a product given half, and the two sides of a residual scaled so that all is kept, each sample's for itself; for what the
    paper leaves open, as the authors' code does.

    Args:
        start: the first block that counts.
    """
    if (reason := no_relevance(model, start)) is not None:
        raise ValueError(reason)
    relevances, gradients = relevance_of_attention(model, images, targets), attend(model, images, targets).gradients
    shares = [(relevance * gradient).clamp(min=0).mean(dim=1) for relevance, gradient in zip(relevances, gradients, strict=True)]
    return token_attention(model).attribution(accumulated(shares[start:]))


transformer_attribution.applicable = no_relevance  # type: ignore[attr-defined]
generic_attention.applicable = no_token_attention  # type: ignore[attr-defined]


def accumulated(shares: list[Tensor]) -> Tensor:
    """Product of I + each of ``shares`` (B, N, N), the last block's first, less I: what a token is of itself is no evidence."""
    relevance = torch.zeros_like(shares[0])
    for share in shares:
        relevance = relevance + share + share @ relevance
    return relevance
