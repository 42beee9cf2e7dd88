"""Part importance against scipy, on a linear model whose parts are worth what they are worth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_metrics.faithfulness.part_importance import part_importance
from scipy.stats import pearsonr, spearmanr

from harness.api import Case, Context


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


@pytest.fixture
def case(linear_classifier, generator):
    """Two images of which the first loses one of five stripes at a time, the second one of three; and what a linear model has of it."""
    weights = torch.randn(1, 10, 4, generator=generator)
    images, maps = torch.rand(2, 1, 10, 4, generator=generator), torch.randn(2, 10, 4, generator=generator)
    without = [torch.stack([image.clone() for _ in range(count)]) for image, count in zip(images, (5, 3), strict=True)]
    for pictures in without:
        for part, picture in enumerate(pictures):
            picture[:, 2 * part : 2 * part + 2] = 0.5
    model = linear_classifier(weights)
    return Case(model, images, torch.zeros(2, dtype=torch.long), maps, Context(0, ["a", "b"]), evidence={"counterfactuals": without})


@pytest.mark.parametrize(("similarity", "reference"), [("spearman", spearmanr), ("pearson", pearsonr)])
@pytest.mark.parametrize("absolute", [False, True])
def test_it_is_scipys_correlation_of_sums_and_of_drops_in_closed_form(case, similarity, reference, absolute):
    weights = case.model.module.layer.weight[0].detach().view(10, 4).double().numpy()
    expected = []
    for image, map, count in zip(case.images.double().numpy(), case.attributions.double().numpy(), (5, 3), strict=True):
        worth = (weights * (image[0] - 0.5)).reshape(5, -1).sum(1)[:count]
        sums = (np.abs(map) if absolute else map).reshape(5, -1).sum(1)[:count]
        expected.append(reference(worth, sums).statistic)
    assert part_importance(case, similarity=similarity, absolute=absolute).tolist() == pytest.approx(expected, abs=1e-5)


def test_what_the_model_has_of_each_part_scores_one_and_its_inverse_minus_one(case):
    weights = case.model.module.layer.weight[0].detach().view(10, 4)
    case.attributions = weights * (case.images[:, 0] - 0.5)
    assert part_importance(case).tolist() == pytest.approx([1, 1])
    case.attributions = -case.attributions
    assert part_importance(case).tolist() == pytest.approx([-1, -1])


def test_a_part_that_cannot_be_seen_is_left_out(case):
    before = part_importance(case)
    hidden = [torch.cat([pictures, image[None]]) for pictures, image in zip(case.evidence["counterfactuals"], case.images, strict=True)]
    case.evidence["counterfactuals"] = hidden
    assert torch.equal(part_importance(case), before)


def test_samples_of_one_part_or_none_have_no_score(case):
    first, second = case.evidence["counterfactuals"]
    case.evidence["counterfactuals"] = [first[:1], second]
    assert part_importance(case).isnan().tolist() == [True, False]
    case.evidence["counterfactuals"] = [first[:0, :, :, :], second[:0]]
    assert part_importance(case).isnan().all()
