from __future__ import annotations

import torch
from harness_metrics.ordering import case_ranks, ranks

from harness.api import Context
from tests.support.cases import selected


def test_distinct_values_rank_in_descending_order():
    values = torch.randn(3, 6, 7)
    tiebreak = torch.stack([torch.randperm(42) for _ in range(3)])
    order = ranks(values, tiebreak).flatten(1).argsort(dim=1)
    assert (values.flatten(1).gather(1, order).diff(dim=1) <= 0).all()


def test_ties_follow_the_tiebreak_and_nothing_else():
    values = torch.tensor([[[0.0, 5.0, 0.0], [-0.0, 0.0, -1.0]]])
    tiebreak = torch.tensor([[3, 5, 0, 4, 2, 1]])
    assert ranks(values, tiebreak).flatten().tolist() == [2, 0, 4, 1, 3, 5]


def test_tied_pixels_have_no_preferred_place():
    """Of 400 samples with all pixels tied, each pixel comes first about as often as any other."""
    ctx = Context(seed=0, ids=[str(i) for i in range(400)])
    first = ranks(torch.zeros(400, 2, 2), ctx.permutation(4)).flatten(1).argmin(dim=1)
    assert (torch.bincount(first, minlength=4) > 60).all()


def test_a_sample_has_one_order_for_all_metrics(cnn_case):
    cnn_case.attributions = torch.zeros_like(cnn_case.attributions)
    alone = selected(cnn_case, [2])
    alone.ctx = alone.ctx.fresh("score/another metric")
    assert torch.equal(case_ranks(cnn_case, absolute=False)[2], case_ranks(alone, absolute=False)[0])
    assert not torch.equal(case_ranks(cnn_case, absolute=False)[1], case_ranks(cnn_case, absolute=False)[2])


def test_computed_once_per_case(cnn_case):
    assert case_ranks(cnn_case, absolute=True) is case_ranks(cnn_case, absolute=True)
    assert case_ranks(cnn_case, absolute=True) is not case_ranks(cnn_case, absolute=False)
