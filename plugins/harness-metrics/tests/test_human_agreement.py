"""Agreement with human maps against scipy and brute force, and dual-polarity precision against sums."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_metrics.localisation.dual_polarity_precision import dual_polarity_precision
from harness_metrics.localisation.human_agreement import human_agreement
from harness_metrics.localisation.relevance_mass_accuracy import relevance_mass_accuracy
from scipy.stats import spearmanr

from harness.api import Case, Context

AGREEMENTS = ("spearman", "nss", "cc", "sim")


def case_of(maps, human=None, masks=None):
    """A case for metrics that look at no model."""
    ctx = Context(seed=0, ids=[str(i) for i in range(len(maps))])
    evidence = None if human is None else {"human-map": human}
    return Case(None, maps[:, None], torch.zeros(len(maps), dtype=torch.long), maps, ctx, masks=masks, evidence=evidence)


def by_hand(agreement, a, q):
    """Of one map and one human map, pixel by pixel as the definitions have it."""
    a, q = a.double().numpy().ravel(), q.double().numpy().ravel()
    if agreement == "spearman":
        return spearmanr(a, q).statistic
    if agreement == "cc":
        return np.corrcoef(a, q)[0, 1]
    if agreement == "nss":
        fixations = [place for place, count in enumerate(q) for _ in range(int(count))]
        return np.mean([(a[place] - a.mean()) / a.std() for place in fixations])
    a, q = ((values - values.min()) / (values.max() - values.min()) for values in (a, q))
    return sum(min(x / a.sum(), y / q.sum()) for x, y in zip(a, q, strict=True))


@pytest.fixture
def maps():
    return torch.randn(5, 7, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def human():
    """Counts of fixations, many of them 0."""
    counts = torch.rand(5, 7, 8, generator=torch.Generator().manual_seed(1))
    return (6 * counts - 3).clamp_min(0).floor()


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_it_is_what_scipy_and_the_definitions_say(agreement, maps, human):
    for tied in (maps, maps.round()):
        for absolute in (False, True):
            expected = [by_hand(agreement, a.abs() if absolute else a, q) for a, q in zip(tied, human, strict=True)]
            ours = human_agreement(case_of(tied, human), agreement=agreement, absolute=absolute)
            assert ours.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_the_human_map_itself_agrees_best_and_neither_scale_nor_offset_matter(agreement, maps, human):
    best = human_agreement(case_of(human, human), agreement=agreement)
    assert agreement == "nss" or best.tolist() == pytest.approx([1.0] * 5)
    assert (best > human_agreement(case_of(maps, human), agreement=agreement)).all()
    ordinary = human_agreement(case_of(maps, human), agreement=agreement)
    torch.testing.assert_close(human_agreement(case_of(1e-20 * maps, 3 * human), agreement=agreement), ordinary)
    torch.testing.assert_close(human_agreement(case_of(maps + 5, human), agreement=agreement), ordinary, rtol=1e-4, atol=1e-5)


def test_of_a_random_map_it_is_chance():
    maps = torch.rand(800, 6, 6, generator=torch.Generator().manual_seed(0))
    human = torch.zeros(800, 6, 6)
    human[:, 2:4, 1:4] = 1
    for agreement in ("spearman", "nss", "cc"):
        assert human_agreement(case_of(maps, human), agreement=agreement).mean().item() == pytest.approx(0, abs=0.03)
    assert human_agreement(case_of(maps, human), agreement="sim").mean().item() == pytest.approx(1 / 6, abs=0.01)


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_several_observers_are_averaged_and_none_is_undefined(agreement, maps, human):
    several = [human[:2], human[2:5], human[:0], human[:1], human[1:2]]
    means = torch.stack([one.mean(dim=0) if len(one) else torch.zeros(7, 8) for one in several])
    ours = human_agreement(case_of(maps, several), agreement=agreement)
    assert ours.isnan().tolist() == [False, False, True, False, False]
    torch.testing.assert_close(ours, human_agreement(case_of(maps, means), agreement=agreement), equal_nan=True)


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_what_is_constant_says_nothing(agreement, maps, human):
    for value in (0.0, 0.3):
        assert human_agreement(case_of(torch.full_like(maps, value), human), agreement=agreement).isnan().all()
        assert human_agreement(case_of(maps, torch.full_like(human, value)), agreement=agreement).isnan().all()
    with pytest.raises(LookupError, match="human-map"):
        human_agreement(case_of(maps))


def test_negative_counts_are_no_fixations(maps, human):
    less = torch.where(human == 0, -2.0, human)
    ordinary = human_agreement(case_of(maps, human), agreement="nss")
    torch.testing.assert_close(human_agreement(case_of(maps, less), agreement="nss"), ordinary)


def test_dual_polarity_counts_both_signs_where_they_belong():
    maps = torch.tensor([[[4.0, -1.0], [-3.0, 2.0]], [[0.0, -1.0], [-3.0, -2.0]], [[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
    masks = torch.tensor([[[True, True], [False, False]]] * 4)
    scores = dual_polarity_precision(case_of(maps, masks=masks)).tolist()
    assert scores[:2] == pytest.approx([7 / 10, 5 / 6]) and np.isnan(scores[2]) and scores[3] == 0.5
    assert dual_polarity_precision(case_of(maps, masks=torch.zeros_like(masks))).isnan().all()


def test_dual_polarity_of_the_oracle_of_maps_without_negative_values_and_of_chance(maps):
    masks = torch.zeros(5, 7, 8, dtype=torch.bool)
    masks[:, 2:5, 3:6] = True
    assert dual_polarity_precision(case_of(masks.float() - (~masks).float(), masks=masks)).tolist() == [1.0] * 5
    assert dual_polarity_precision(case_of((~masks).float() - masks.float(), masks=masks)).tolist() == [0.0] * 5
    positive = case_of(maps.clamp_min(0) * 1e-30, masks=masks)
    torch.testing.assert_close(dual_polarity_precision(positive), relevance_mass_accuracy(positive))
    random = torch.randn(400, 12, 12, generator=torch.Generator().manual_seed(0))
    square = torch.zeros(400, 12, 12, dtype=torch.bool)
    square[:, 2:6, 2:6] = True
    assert dual_polarity_precision(case_of(random, masks=square)).mean().item() == pytest.approx(0.5, abs=0.01)
