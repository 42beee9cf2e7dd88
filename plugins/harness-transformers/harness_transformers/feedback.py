"""Attention times feedback: how tokens are mixed, and how the decision answers to the last mixing, from the zero image on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness_transformers import citations
from harness_transformers.attention import Start
from harness_transformers.attention_weights import Attended, attend, no_token_attention, token_attention

Steps = Annotated[int, Field(ge=2)]
"""Points on the path from the zero image to the image, both of them included."""


def passes(params: Mapping[str, Any]) -> float:
    """A forward and a backward pass at every point."""
    return 2.0 * params["steps"]


def any_start(model: Classifier) -> str | None:
    """Reason why ``model`` has no attention of all tokens to all; None where it has."""
    return no_token_attention(model)


@explainer(family="attention", passes=passes, cite=citations.TRANSITION_ATTENTION)
def transition_attention(model: Classifier, images: Tensor, targets: Tensor, *, steps: Steps = 20, start: Start = 4) -> Attribution:
    """Transition attention maps: attention as a Markov chain's transitions, times integrated gradients (Yuan et al. 2021).

    Returns ``(B, h, w)`` on the grid of tokens, not negative. The state is the class token's row of the last block's attention (the mean
    over heads; the mean row where tokens are averaged), to which each block before adds state · A; times max(0, the mean gradient of the
    target's logit at the last attention), the mean over heads.

    Args:
        steps: points at which the gradient is taken, evenly from the zero image (of the model's input) to the image.
        start: the first block that the chain goes back to; the last counts always.
    """
    if (reason := any_start(model)) is not None:
        raise ValueError(reason)
    found, gradient = integrated(model, images, targets, steps)
    state = found.weights[-1].mean(dim=1)
    for weights in reversed(found.weights[start:-1]):
        state = state + state @ weights.mean(dim=1)
    return token_attention(model).attribution(state * gradient.clamp(min=0).mean(dim=1))


@explainer(family="attention", passes=passes, cite=citations.BEYOND_INTUITION)
def beyond_intuition(model: Classifier, images: Tensor, targets: Tensor, *, steps: Steps = 20, start: Start = 3) -> Attribution:
    """Beyond Intuition, head-wise: attention perception times reasoning feedback, known as bidirectional attention too (Chen et al. 2023).

    Returns ``(B, h, w)`` on the grid of tokens, not negative: perception R ← R + (Σ I A) R from the identity on, where a head's share I is
    the mean of |Aᵀ ∂y/∂A|, and shares sum to 1; times feedback, max(0, the mean gradient of the target's logit at the last attention), the
    mean over heads; then the class token's row, or the mean row of those averaged. The paper's token-wise perception is not offered.

    Args:
        steps: points at which the gradient is taken, evenly from the zero image (of the model's input) to the image.
        start: the first block that counts, from 0 on; the paper's fourth by default.
    """
    if (reason := no_token_attention(model, start)) is not None:
        raise ValueError(reason)
    found, gradient = integrated(model, images, targets, steps)
    perceived = torch.eye(gradient.shape[-1], device=gradient.device, dtype=gradient.dtype)
    for weights, slopes in zip(found.weights[start:], found.gradients[start:], strict=True):
        share = (weights.transpose(-1, -2) @ slopes).abs().mean(dim=(-1, -2), keepdim=True)
        total = share.sum(dim=1, keepdim=True)
        share = torch.where(total > 0, share / total, torch.zeros_like(share))
        perceived = perceived + (share * weights).sum(dim=1) @ perceived
    return token_attention(model).attribution(perceived * gradient.clamp(min=0).mean(dim=1))


transition_attention.applicable = any_start  # type: ignore[attr-defined]
beyond_intuition.applicable = no_token_attention  # type: ignore[attr-defined]


def integrated(model: Classifier, images: Tensor, targets: Tensor, steps: int) -> tuple[Attended, Tensor]:
    """Attention and its gradients at ``images`` (B, C, H, W), and the last block's gradients, averaged on the way there from zero."""
    total: Tensor | None = None
    for step in range(steps):
        found = attend(model, images * (step / (steps - 1)), targets)
        total = found.gradients[-1] if total is None else total + found.gradients[-1]
    assert total is not None
    return found, total / steps
