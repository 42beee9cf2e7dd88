"""Attention itself: of one block, or followed through all."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness_transformers import citations
from harness_transformers.attention_weights import attend, no_token_attention, token_attention

Heads = Literal["mean", "max", "min"]
"""How the weights of several heads become one: their mean, or the largest or smallest for each pair of tokens."""
Start = Annotated[int, Field(ge=0)]
"""The first block that counts."""


@explainer(family="attention", passes=1, cite=citations.ATTENTION_ROLLOUT)
def attention_rollout(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    heads: Heads = "mean",
    discard: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    start: Start = 0,
) -> Attribution:
    """Attention rollout: how much of each patch is in what the classes are made of, residuals included (Abnar and Zuidema 2020, eq. 1).

    Returns ``(B, h, w)`` on the grid of tokens, not negative; the same for every target. Of every block it takes (A + I) / 2, of which rows
    sum to 1, and multiplies them, last block first; with the class token's row, or the mean row of those averaged. With ``discard`` 0 the
    rows of the product sum to 1, over all tokens.

    Args:
        heads: how the weights of several heads become one.
        discard: share of the smallest weights of a block that are set to 0, those of the first token to itself kept; 0 in the paper, 0.9
            by Gildenblat's vit-explain. Rows are made to sum to 1 again.
        start: the first block that counts.
    """
    if (reason := no_token_attention(model, start)) is not None:
        raise ValueError(reason)
    relevance: Tensor | None = None
    for weights in attend(model, images).weights[start:]:
        mixed = with_residual(without_smallest(fused(weights, heads), discard))
        relevance = mixed if relevance is None else mixed @ relevance
    assert relevance is not None
    return token_attention(model).attribution(relevance)


@explainer(family="attention", passes=1, cite=citations.RAW_ATTENTION)
def raw_attention(model: Classifier, images: Tensor, targets: Tensor, *, heads: Heads = "mean", block: int = -1) -> Attribution:
    """Raw attention: the weights by which one block mixes the patches into what the classes are made of.

    Returns ``(B, h, w)`` on the grid of tokens, in [0, 1]; the same for every target. It is the class token's row, or the mean row of the
    tokens that are averaged: the baseline of Chefer et al. (2021), who take the last block and the heads' mean; known since Vaswani et al.
    2017.

    Args:
        heads: how the weights of several heads become one.
        block: which block, from 0 on; −1 is the last.
    """
    if (reason := no_token_attention(model, block=block)) is not None:
        raise ValueError(reason)
    return token_attention(model).attribution(fused(attend(model, images).weights[block], heads))


attention_rollout.applicable = no_token_attention  # type: ignore[attr-defined]
raw_attention.applicable = no_token_attention  # type: ignore[attr-defined]


def fused(weights: Tensor, heads: Heads) -> Tensor:
    """One matrix ``(B, N, N)`` of those of all heads ``(B, heads, N, N)``."""
    return weights.mean(dim=1) if heads == "mean" else weights.amax(dim=1) if heads == "max" else weights.amin(dim=1)


def without_smallest(weights: Tensor, discard: float) -> Tensor:
    """``(B, N, N)`` with the share ``discard`` of each sample's smallest weights 0, but never the first token's to itself."""
    flat = weights.flatten(1)
    count = int(flat.shape[1] * discard)
    if count == 0:
        return weights
    kept = flat.scatter(1, flat.topk(count, dim=1, largest=False).indices, 0)
    kept[:, 0] = flat[:, 0]
    return kept.view_as(weights)


def with_residual(weights: Tensor) -> Tensor:
    """(A + I) of ``(B, N, N)``, with rows that sum to 1: half of what leaves a block came past its attention."""
    mixed = weights + torch.eye(weights.shape[-1], device=weights.device, dtype=weights.dtype)
    return mixed / mixed.sum(dim=-1, keepdim=True)
