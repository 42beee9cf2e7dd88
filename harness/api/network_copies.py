"""Classifiers whose weights are others than those that they were made with."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.api.network_features import copy_structure
from harness.api.preparation.module_copy import deep_copy

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier
    from harness.api.context import Context

DRAWN_AT_ONCE = 1 << 22
"""Numbers that are drawn at once for a network's weights."""


def around_same_network(model: Classifier) -> Classifier:
    """Another classifier of the same network: for what remembers of a classifier what depends on its weights, once these are others."""
    other = copy.copy(model)
    other.notes = list(model.notes)
    other.__dict__.pop("digest", None)  # the architecture stays
    return other


def copied_network(model: Classifier, shared: Iterable[Tensor]) -> Classifier:
    """A classifier of a copy of the network, which shares these tensors with it and has all others for itself.

    What is known of the network's structure holds for the copy; its digest is another one.
    """
    twin = around_same_network(model)
    twin.module = deep_copy(model.module, {id(tensor): tensor for tensor in shared})
    copy_structure(model.module, twin.module)
    return twin


def noisy_networks(model: Classifier, deviations: Iterable[float], ctx: Context) -> Iterator[Classifier]:
    """A network for each deviation σ, one after the other in the same memory: every parameter times noise N(1, σ²).

    The noise of the nth is a stream of the spec's seed, of ``ctx``'s purpose and of n alone, which belongs to no sample, so that no batch
    has networks of its own.
    """
    noisy = copied_network(model, model.module.buffers())
    groups = list(_drawn_together(zip(model.module.parameters(), noisy.module.parameters(), strict=True)))
    for number, deviation in enumerate(deviations):
        stream = ctx.about([f"network {number}"])
        with torch.no_grad():
            for pairs in groups:
                factors = 1 + deviation * stream.noise((sum(weights.numel() for weights, _ in pairs),))[0]
                parts = torch.split(factors, [weights.numel() for weights, _ in pairs])
                for (weights, changed), part in zip(pairs, parts, strict=True):
                    changed.copy_(weights * part.view(weights.shape).to(weights))
        yield around_same_network(noisy)


def _drawn_together(pairs: Iterable[tuple[Tensor, Tensor]]) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Pairs in groups of at most `DRAWN_AT_ONCE` numbers, or of one pair: a draw is hundreds of operations, whatever its size."""
    group: list[tuple[Tensor, Tensor]] = []
    for pair in pairs:
        if group and sum(weights.numel() for weights, _ in group) + pair[0].numel() > DRAWN_AT_ONCE:
            yield group
            group = []
        group.append(pair)
    if group:
        yield group
