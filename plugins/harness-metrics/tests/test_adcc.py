"""Average gain, coherency and ADCC against the authors' arithmetic, one image at a time, and where the answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from harness_metrics.faithfulness.adcc import adcc, harmonic_mean
from harness_metrics.faithfulness.average_drop import average_drop
from harness_metrics.faithfulness.average_gain import average_gain
from harness_metrics.robustness.coherency import coherency
from scipy.stats import hmean, pearsonr
from torch import nn

from harness.api import Case, classifier


def shown(case, i):
    """The map as the authors multiply the image by it, in [0, 1], and the input that this makes."""
    cam = case.attributions[i].clamp_min(0)
    cam = cam / cam.max()
    return cam, case.model.normalise(case.model.denormalise(case.images[i]) * cam)


def test_average_gain_equals_the_authors_arithmetic(cnn_case):
    expected = []
    for i, target in enumerate(cnn_case.targets):
        with torch.no_grad():
            logits = cnn_case.model(torch.stack([cnn_case.images[i], shown(cnn_case, i)[1]])).double()
        y, o = logits.softmax(dim=1)[:, target].tolist()
        expected.append(max(0.0, o - y) / (1 - y))
    assert average_gain(cnn_case).tolist() == pytest.approx(expected, abs=1e-5)
    assert 0 < sum(gain > 0 for gain in expected) < 5


def test_a_gain_and_a_drop_exclude_each_other_and_are_of_one_change(cnn_case):
    gain, drop = average_gain(cnn_case), average_drop(cnn_case)
    assert torch.equal(gain > 0, drop == 0)


def test_there_is_nothing_to_win_where_the_model_is_sure(linear_classifier, cnn_case):
    model = linear_classifier(torch.full((3, 20, 20), 1e4))
    case = replace(cnn_case, model=model, images=torch.ones(5, 3, 20, 20), targets=torch.zeros(5, dtype=torch.long), memory={})
    assert average_gain(case).isnan().all()


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_what_is_won_is_told_where_the_probability_is_1_in_single_precision(output, cnn_case):
    """Black is worth 8 logits more than the image, for which p is 1 − 1e-10."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(1200, 2))
    with torch.no_grad():
        module[1].weight.copy_(torch.tensor([[-8 / 1200], [0.0]]).expand(2, 1200))
        module[1].bias.copy_(torch.tensor([31.0, 0.0]))
    case = Case(
        classifier(module, input_shape=(3, 20, 20), output=output),
        torch.ones(2, 3, 20, 20),
        torch.tensor([0, 1]),
        -torch.ones(2, 20, 20),
        cnn_case.ctx.select(torch.arange(2)),
    )
    won = average_gain(case).tolist()
    assert won[0] == pytest.approx(1 - np.exp(-8), abs=1e-5)
    assert won[1] == 0


def test_coherency_equals_the_authors_arithmetic(cnn_case):
    expected = []
    for i in range(5):
        _, masked = shown(cnn_case, i)
        again = cnn_case.explain(images=masked[None], index=torch.tensor([i]))[0]
        r, _ = pearsonr(cnn_case.attributions[i].flatten().double(), again.flatten().double())
        expected.append((r + 1) / 2)
    assert coherency(cnn_case).tolist() == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected) > 0.01


@pytest.mark.parametrize(
    ("again", "expected"),
    [(lambda maps: maps, 1.0), (lambda maps: -2 * maps + 1, 0.0), (lambda maps: torch.ones_like(maps), 0.0)],
    ids=["the same", "the opposite", "nothing left"],
)
def test_coherency_where_the_second_map_is_known(again, expected, small_cnn, cnn_case, explained):
    first = cnn_case.attributions[:4]

    def explain(model, images, targets):
        return first if images is cnn_case.images else again(first)

    case = replace(explained(small_cnn, cnn_case.images[:4], cnn_case.targets[:4], lambda *_: first))
    case.explainer.function = explain
    assert coherency(case).tolist() == pytest.approx([expected] * 4, abs=1e-6)


def test_a_map_that_is_constant_has_no_coherency_also_where_the_second_is(small_cnn, cnn_case, explained):
    case = explained(small_cnn, cnn_case.images, cnn_case.targets, lambda model, images, targets: torch.ones_like(images[:, 0]))
    assert coherency(case).isnan().all() and adcc(case).isnan().all()


def test_adcc_is_the_harmonic_mean_of_the_three(cnn_case):
    maps = cnn_case.attributions.clamp_min(0)
    complexity = (maps / maps.amax(dim=(1, 2), keepdim=True)).abs().sum(dim=(1, 2)) / 400
    three = torch.stack([coherency(cnn_case).double(), 1 - complexity.double(), 1 - average_drop(cnn_case).double()], dim=1)
    assert adcc(replace(cnn_case, memory={})).tolist() == pytest.approx(hmean(three.numpy(), axis=1).tolist(), abs=1e-6)


def test_one_of_the_three_that_is_nothing_is_enough():
    assert harmonic_mean(torch.tensor([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.25, 1.0, 0.5]])).tolist() == pytest.approx([0, 1, 3 / 7])


def test_adcc_shares_passes_and_maps_with_its_parts(cnn_case, monkeypatch):
    explained, explain = [], type(cnn_case.explainer).__call__

    def counting(self, model, images, targets, **options):
        explained.append(len(images))
        return explain(self, model, images, targets, **options)

    monkeypatch.setattr(type(cnn_case.explainer), "__call__", counting)
    asked = []

    def forward(model, inputs):
        asked.append(len(inputs))
        with torch.no_grad():
            return model(inputs)

    case = replace(cnn_case, memory={}, forward=forward)
    for metric in (adcc, coherency, average_drop, average_gain):
        metric(case)
    assert sum(explained) == 5 and sum(asked) == 10
