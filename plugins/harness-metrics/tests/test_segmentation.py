"""Maps as segmentations and as rankings of pixels against scikit-learn, numpy, the oracle and chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_metrics.localisation.average_precision import average_precision
from harness_metrics.localisation.dice import dice
from harness_metrics.localisation.iou import iou
from harness_metrics.localisation.pixel_accuracy import pixel_accuracy
from harness_metrics.localisation.segmentation import above
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, jaccard_score

from harness.api import Case, Context

THEIRS = {iou: jaccard_score, dice: f1_score, pixel_accuracy: accuracy_score}
ALL = (average_precision, *THEIRS)


def case_of(maps, masks):
    """A case for metrics that look at no model."""
    ctx = Context(seed=0, ids=[str(i) for i in range(len(maps))])
    return Case(None, maps[:, None], torch.zeros(len(maps), dtype=torch.long), maps, ctx, masks=masks)


@pytest.fixture
def maps():
    return torch.randn(6, 9, 11, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def masks():
    masks = torch.zeros(6, 9, 11, dtype=torch.bool)
    for i in range(6):
        masks[i, i : i + 3, i : i + 5] = True
    return masks


def cut(values, threshold, level):
    """The pixels above the threshold, by numpy."""
    low, high = values.min(), values.max()
    limit = {"mean": values.mean(), "range": low + level * (high - low), "quantile": np.quantile(values, level)}[threshold]
    return values > limit


@pytest.mark.parametrize("metric", THEIRS)
@pytest.mark.parametrize(("threshold", "level"), [("mean", 0.5), ("range", 0.3), ("range", 0.7), ("quantile", 0.9), ("quantile", 0.25)])
def test_segmentations_equal_scikit_learn(metric, threshold, level, maps, masks):
    for tied in (maps, (2 * maps).round()):
        for absolute in (False, True):
            values = [(a.abs() if absolute else a).double().numpy() for a in tied]
            expected = [THEIRS[metric](m.flatten(), cut(a, threshold, level).ravel()) for a, m in zip(values, masks, strict=True)]
            ours = metric(case_of(tied, masks), threshold=threshold, level=level, absolute=absolute)
            assert ours.tolist() == pytest.approx(expected, rel=1e-6)


def test_iou_of_both_classes_is_the_mean_of_that_of_mask_and_background(maps, masks):
    found = maps > maps.mean(dim=(1, 2), keepdim=True)
    expected = [jaccard_score(m.flatten(), f.flatten(), average="macro") for f, m in zip(found, masks, strict=True)]
    assert iou(case_of(maps, masks), classes="both").tolist() == pytest.approx(expected, rel=1e-6)
    whole = torch.ones(1, 9, 11, dtype=torch.bool)  # there is no background, and none is found
    nearly = torch.ones(1, 9, 11)
    nearly[0, 0, 0] = 0
    assert iou(case_of(nearly, whole), classes="both").item() == pytest.approx(98 / 99 / 2)
    assert iou(case_of(nearly, whole)).item() == pytest.approx(98 / 99)


def test_average_precision_equals_scikit_learn_with_and_without_ties(maps, masks):
    for tied in (maps, maps.round(), (maps > 1).float(), torch.ones_like(maps)):
        expected = [average_precision_score(m.flatten(), a.flatten()) for a, m in zip(tied, masks, strict=True)]
        assert average_precision(case_of(tied, masks)).tolist() == pytest.approx(expected, rel=1e-6)


def test_average_precision_of_both_classes_is_that_of_one_ranking_of_map_and_complement(maps, masks):
    """As in Chefer et al.'s evaluation, which hands both to scikit-learn as one list."""
    expected = []
    for a, m in zip(maps.double(), masks, strict=True):
        units = (a - a.min()) / (a.max() - a.min())
        expected.append(average_precision_score(torch.stack([~m, m]).flatten(), torch.stack([1 - units, units]).flatten()))
    assert average_precision(case_of(maps, masks), classes="both").tolist() == pytest.approx(expected, rel=1e-6)
    assert average_precision(case_of(torch.ones_like(maps), masks), classes="both").tolist() == pytest.approx([0.5] * 6)


@pytest.mark.parametrize("metric", ALL)
def test_the_oracle_is_perfect_and_its_opposite_finds_nothing_right(metric, masks):
    assert metric(case_of(masks.float(), masks)).tolist() == [1.0] * 6
    worst = metric(case_of((~masks).float(), masks)).tolist()
    assert worst == pytest.approx([15 / 99] * 6 if metric is average_precision else [0.0] * 6)  # all pixels have to be taken for the mask's


@pytest.mark.parametrize("metric", ALL)
def test_what_says_nothing_and_what_is_random(metric):
    masks = torch.zeros(600, 12, 12, dtype=torch.bool)
    masks[:, 2:8, 3:9] = True
    random = metric(case_of(torch.rand(600, 12, 12, generator=torch.Generator().manual_seed(1)), masks)).mean().item()
    harmonic = sum(1 / n for n in range(1, 145)) / 144
    expected = 35 / 143 * (1 - harmonic) + harmonic  # of 36 places of 144, all as likely
    chance = {average_precision: expected, iou: 1 / 8 / (1 / 4 + 1 / 2 - 1 / 8), dice: 2 * 1 / 8 / (1 / 4 + 1 / 2), pixel_accuracy: 0.5}
    assert random == pytest.approx(chance[metric], abs=0.005)
    finds_nothing = {average_precision: 0.25, iou: 0.0, dice: 0.0, pixel_accuracy: 0.75}
    for value in (0.0, 0.3, -1e20):
        assert metric(case_of(torch.full((2, 12, 12), value), masks[:2])).tolist() == pytest.approx([finds_nothing[metric]] * 2)


@pytest.mark.parametrize("metric", ALL)
def test_a_sample_without_a_mask_is_undefined_and_one_that_is_all_mask_is_not(metric, maps):
    masks = torch.stack([torch.zeros(9, 11), torch.ones(9, 11)]).bool()
    assert metric(case_of(maps[:2], masks)).isnan().tolist() == [True, False]
    with pytest.raises(LookupError, match="needs masks"):
        metric(case_of(maps, None))


def test_a_quantile_leaves_out_what_is_tied_with_it():
    values = torch.tensor([[[5.0, 5.0, 5.0, 1.0, 0.0]]])
    assert not above(values, "quantile", 0.9).any()
    assert above(values, "quantile", 0.25).tolist() == [[[True, True, True, False, False]]]
    assert above(values, "quantile", 0.0).tolist() == [[[True, True, True, True, False]]]


def test_what_is_equal_to_the_threshold_is_below_it():
    maps, masks = torch.tensor([[[0.0, 1.0, 2.0]]]), torch.tensor([[[False, False, True]]])  # the mean, the middle and the median are 1
    for threshold in ("mean", "range", "quantile"):
        assert iou(case_of(maps, masks), threshold=threshold).item() == 1
