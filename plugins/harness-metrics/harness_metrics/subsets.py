"""Sets of pixels: random subsets of one size, and groups along an order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from harness.api import Case, Context, Unexplained
from harness.api.transfer import sent
from harness_metrics.curves import Output
from harness_metrics.imputation import Imputation, Imputer, imputer
from harness_metrics.memory import runs_of, runs_within
from harness_metrics.ordering import case_ranks
from harness_metrics.responses import Responses, random_responses, responses


def random_subsets(ctx: Context, shape: tuple[int, int], size: int, runs: int) -> Iterator[Tensor]:
    """``runs`` uniformly random sets of ``size`` pixels: ``(B, H, W)`` bool each, those of a sample from its own stream.

    They are cut one after the other from random permutations, so that as many as fit into an image are disjoint; a set of more than half of
    the pixels is what a smaller one leaves. Raises ``ValueError`` where an image has no more pixels than ``size``.
    """
    pixels = shape[0] * shape[1]
    if size >= pixels:
        raise ValueError(f"subsets of {size} pixels of an image that has {pixels}: choose less")
    smaller = min(size, pixels - size)
    fitting = pixels // smaller
    belongs = torch.arange(pixels, dtype=torch.int32, device=ctx.device) // smaller
    places = torch.arange(fitting, dtype=torch.int32, device=ctx.device)[:, None, None]
    remaining = runs
    for part in runs_within(-(-runs // fitting), len(ctx.ids) * pixels * 8, ctx.device):
        orders = ctx.permutation(pixels, draws=len(part))
        for owners in belongs.new_empty(orders.shape).scatter_(2, orders, belongs.expand_as(orders)):
            for run in runs_of(min(fitting, remaining), owners):
                masks = owners == places[run.start : run.stop] if smaller == size else owners != places[run.start : run.stop]
                yield from masks.unflatten(2, shape).unbind()
            remaining -= fitting


def case_subsets(case: Unexplained, size: int, runs: int) -> Iterator[Tensor]:
    """`random_subsets` of the pixels of samples, on the device of their images: the same for every metric and explainer."""
    ctx = case.ctx.fresh(f"subsets of {size} pixels")
    shape = (case.images.shape[-2], case.images.shape[-1])
    return (mask.to(case.images.device) for mask in random_subsets(ctx, shape, size, runs))


def subset_responses(case: Case, size: int, runs: int, reference: Imputation, output: Output, *, absolute: bool = False) -> Responses:
    """Responses to a case's random subsets, computed once for all metrics, and what is predicted once for all explainers."""
    key = ("subset responses", size, runs, reference)

    def draw(samples: Unexplained) -> tuple[Iterator[Tensor], Imputer]:
        return case_subsets(samples, size, runs), imputer(samples, reference)

    memory = ("harness-metrics", *key, output, absolute)
    return case.shared(memory, lambda: random_responses(case, key, draw, output, absolute=absolute))


def group_responses(case: Case, counts: Sequence[int], reference: Imputation, output: Output, *, absolute: bool = False) -> Responses:
    """Responses to the removal of each of the `groups` of the maps' own order alone, computed once for all metrics."""
    memory = ("harness-metrics", "group responses", tuple(counts), reference, output, absolute)

    def compute() -> Responses:
        return responses(case, groups(case_ranks(case, absolute), counts), imputer(case, reference), output, absolute=absolute)

    return case.shared(memory, compute)


def groups(ranks: Tensor, counts: Sequence[int]) -> Iterator[Tensor]:
    """The pixels between each two successive places of an order: ``(B, H, W)`` ranks → len(counts) − 1 masks ``(B, H, W)``.

    >>> [mask.int().tolist() for mask in groups(torch.tensor([[[2, 0, 1]]]), (0, 2, 3))]
    [[[[0, 1, 1]]], [[[1, 0, 0]]]]
    """
    bounds = sent(torch.tensor(counts, dtype=ranks.dtype), ranks.device)[:, None, None, None]
    for run in runs_of(len(counts) - 1, ranks):
        within = (ranks >= bounds[run.start : run.stop]) & (ranks < bounds[run.start + 1 : run.stop + 1])
        yield from within.unbind()
