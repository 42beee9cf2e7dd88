"""Adjusted p-values."""

import numpy as np
import pytest
from scipy import stats

from harness.analysis.multiplicity import adjust, adjust_families, benjamini_hochberg, holm


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.04, 0.005, 0.03, 0.01]) == pytest.approx([0.06, 0.02, 0.06, 0.03])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_holm_leaves_undefined_tests_out_of_the_family() -> None:
    assert holm([0.02, np.nan, 0.5]) == pytest.approx([0.04, np.nan, 0.5], nan_ok=True)


def test_holm_keeps_the_family_wise_error() -> None:
    p = np.random.default_rng(0).uniform(size=(4000, 8))
    rejected = np.mean([min(holm(list(row))) < 0.05 for row in p])
    assert rejected == pytest.approx(0.05, abs=0.012)


def test_benjamini_and_hochbergs_own_example() -> None:
    """Fifteen p-values of the paper (1995, section 4.1), of which 4 are rejected at 5 %, where Holm rejects 3."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert sum(value < 0.05 for value in benjamini_hochberg(p)) == 4
    assert sum(value < 0.05 for value in holm(p)) == 3
    assert benjamini_hochberg(p)[3] == pytest.approx(0.0095 * 15 / 4)


@pytest.mark.parametrize("size", [1, 2, 7, 200])
def test_benjamini_hochberg_agrees_with_scipy_in_any_order(size: int) -> None:
    p = np.random.default_rng(size).uniform(size=size).round(2) ** 3  # with ties
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


def test_benjamini_hochberg_rejects_by_its_definition() -> None:
    """The k least for the greatest k with p(k) < level·k/m, counted one by one."""
    generator = np.random.default_rng(1)
    for _ in range(200):
        p = generator.beta(0.4, 1.5, size=generator.integers(1, 12))
        ordered = sorted(p)
        fulfilled = [k for k in range(1, len(p) + 1) if ordered[k - 1] < 0.1 * k / len(p)]
        assert sum(value < 0.1 for value in benjamini_hochberg(p)) == max(fulfilled, default=0)


def test_what_is_undefined_is_in_no_family() -> None:
    assert benjamini_hochberg([0.02, np.nan, 0.5, None]) == pytest.approx([0.04, np.nan, 0.5, np.nan], nan_ok=True)
    assert benjamini_hochberg([]) == []


def test_the_share_of_false_discoveries_is_kept() -> None:
    """A fifth of 40 hypotheses are false, and hard to miss: at most 5 % of what is rejected is wrong, and often something is."""
    generator = np.random.default_rng(2)
    wrong, any_wrong = [], []
    for _ in range(2000):
        p = stats.norm.sf(generator.normal(np.repeat([4.0, 0.0], [8, 32])))
        rejected = np.asarray(benjamini_hochberg(p)) < 0.05
        wrong.append(rejected[8:].sum() / max(rejected.sum(), 1))
        any_wrong.append(rejected[8:].any())
    assert np.mean(wrong) == pytest.approx(0.05 * 32 / 40, abs=0.008)
    assert np.mean(any_wrong) > 0.2


def test_families_are_adjusted_apart() -> None:
    p = {("a", 1): 0.01, ("b", 1): 0.03, ("a", 2): 0.04, ("b", 2): None}
    by_number = adjust_families(p, "holm", lambda test: test[1])
    assert list(by_number) == list(p)
    assert list(by_number.values()) == pytest.approx([0.02, 0.03, 0.04, np.nan], nan_ok=True)
    together = adjust_families(p, "fdr", lambda test: None)
    assert list(together.values()) == pytest.approx([0.03, 0.04, 0.04, np.nan], nan_ok=True)
    assert adjust([0.01, 0.02], "fdr") == pytest.approx([0.02, 0.02])
    assert adjust_families({}, "fdr", lambda test: None) == {}
