"""CCS against the authors' loop and in closed form, class sensitivity against maps by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from harness_metrics.faithfulness.ccs import ccs
from harness_metrics.faithfulness.deletion import deletion
from harness_metrics.randomisation.class_sensitivity import class_sensitivity
from harness_metrics.randomisation.random_logit import random_logit
from harness_metrics.rivals import rival_classes
from scipy.stats import spearmanr
from sklearn.metrics import auc
from torch import nn

from harness.api import Case, Context, classifier

ALPHAS = np.linspace(0.1, 0.9, 9)


def authors(case):
    """Their `compute_ccs`: pixels in descending order, the first of them made black, probabilities of both classes."""
    found = []
    for i, target in enumerate(case.targets.tolist()):
        image, order = case.model.denormalise(case.images[i]), np.argsort(case.attributions[i].flatten().numpy())[::-1]
        with torch.no_grad():
            logits = case.model(case.images[i : i + 1])[0]
        rival = max((k for k in range(len(logits)) if k != target), key=lambda k: logits[k])
        scores = []
        for alpha in ALPHAS:
            masked = image.flatten(1).clone()
            masked[:, order[: int(alpha * len(order))].copy()] = 0
            with torch.no_grad():
                probabilities = case.model(case.model.normalise(masked.view_as(image))[None]).softmax(dim=1)[0]
            scores.append((probabilities[target] - probabilities[rival]).item())
        found.append(auc(ALPHAS, scores))
    return found


def test_ccs_equals_the_authors_loop(cnn_case):
    assert (0.8 * ccs(cnn_case)).tolist() == pytest.approx(authors(cnn_case), abs=1e-5)


def test_the_order_of_fractions_is_no_matter_and_one_alone_has_no_area(cnn_case):
    expected = ccs(cnn_case, fractions=(0.1, 0.5, 0.8))
    torch.testing.assert_close(ccs(replace(cnn_case, memory={}), fractions=(0.8, 0.1, 0.5)), expected)
    with pytest.raises(ValueError, match=r"the one fraction 0\.5"):
        ccs(cnn_case, fractions=(0.5, 0.5))


def test_of_two_classes_the_lead_is_twice_the_probability_less_one(linear_classifier):
    generator = torch.Generator().manual_seed(0)
    weights, images = torch.randn(3, 10, 10, generator=generator), torch.rand(4, 3, 10, 10, generator=generator)
    maps = (weights * images).sum(dim=1)
    case = Case(linear_classifier(weights / 4), images, torch.tensor([0, 1, 0, 1]), maps, Context(0, list("abcd")))
    tenths = tuple(k / 10 for k in range(1, 10))
    inner = 1.25 * (deletion(case, step=10, reference="black") - (_ends(case) / 20))  # without the first and the last tenth
    torch.testing.assert_close(ccs(case, fractions=tenths), 2 * inner - 1, atol=1e-5, rtol=0)


def _ends(case):
    """What the first and the last trapezoid of a deletion curve in tenths have: p(0) + p(0.1) + p(0.9) + p(1)."""
    order = case.attributions.flatten(1).argsort(dim=1, descending=True)
    total = 0
    for count in (0, 10, 90, 100):
        kept = torch.ones(len(order), 100).scatter(1, order[:, :count], 0.0).view(-1, 1, 10, 10)
        total = total + case.model(case.images * kept).softmax(dim=1).gather(1, case.targets[:, None])[:, 0].detach()
    return total


def test_rivals_are_the_likeliest_besides_the_target(cnn_case):
    logits = cnn_case.model(cnn_case.images).detach()
    expected = [
        [k for k in row.argsort(descending=True).tolist() if k != target]
        for row, target in zip(logits, cnn_case.targets.tolist(), strict=True)
    ]
    assert rival_classes(cnn_case, 3).tolist() == expected
    assert rival_classes(cnn_case, 1).tolist() == [row[:1] for row in expected]
    with pytest.raises(ValueError, match="4 classes besides the target of a model that has 4"):
        rival_classes(cnn_case, 4)


def test_class_sensitivity_of_maps_by_hand(cnn_case):
    rivals = rival_classes(cnn_case, 2)
    for classes in (1, 2):
        expected = []
        for i in range(5):
            others = [
                cnn_case.explain(cnn_case.images[i : i + 1], targets=rivals[i : i + 1, k], index=torch.tensor([i]))[0]
                for k in range(classes)
            ]
            expected.append(np.mean([spearmanr(cnn_case.attributions[i].flatten(), other.flatten()).statistic for other in others]))
        assert class_sensitivity(replace(cnn_case, memory={}), classes=classes).tolist() == pytest.approx(expected, abs=1e-5)


def test_all_classes_are_all_that_random_logit_can_draw(cnn_case):
    every = class_sensitivity(replace(cnn_case, memory={}), classes=None)
    torch.testing.assert_close(every, random_logit(replace(cnn_case, memory={}), samples=3, similarity="spearman"), atol=1e-6, rtol=0)
    torch.testing.assert_close(class_sensitivity(replace(cnn_case, memory={}), classes=99), every)
    assert not torch.allclose(class_sensitivity(replace(cnn_case, memory={})), every)


def test_what_is_the_same_for_every_class_and_what_is_the_opposite(small_cnn, cnn_case, explained):
    same = explained(small_cnn, cnn_case.images, cnn_case.targets, lambda model, images, targets: images[:, 0])
    assert class_sensitivity(same).tolist() == pytest.approx([1] * 5)
    signs = explained(
        small_cnn, cnn_case.images, cnn_case.targets, lambda model, images, targets: images[:, 0] * (-1.0) ** targets[:, None, None]
    )
    parity = (-1.0) ** (signs.targets + rival_classes(signs, 1)[:, 0])
    assert class_sensitivity(signs).tolist() == pytest.approx(parity.tolist()) and parity.unique().numel() == 2


def test_of_a_network_of_one_logit_the_rival_is_the_other_class(cnn_case):
    model = classifier(nn.Sequential(nn.Flatten(), nn.Linear(1200, 1)), input_shape=(3, 20, 20))
    binary = replace(cnn_case, model=model, targets=torch.tensor([0, 1, 0, 1, 0]), memory={})
    assert rival_classes(binary, 1)[:, 0].tolist() == [1, 0, 1, 0, 1]
    assert torch.equal(class_sensitivity(binary, classes=None), class_sensitivity(binary))
