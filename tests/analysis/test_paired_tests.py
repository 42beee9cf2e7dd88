import numpy as np
import pytest
from scipy import stats

from harness.analysis.confidence_intervals import mean_interval
from harness.analysis.paired_tests import cohens_d, mean_difference, paired_differences, t_test

PAIRS = [np.random.default_rng(seed).normal([[0.4], [0.0]], 1.0, (2, size)) for seed, size in enumerate([5, 12, 30, 48, 200])]


@pytest.mark.parametrize("pair", PAIRS, ids=len)
def test_the_t_test_agrees_with_scipy_on_the_two_samples(pair: np.ndarray) -> None:
    differences = paired_differences(*pair)
    assert t_test(differences) == pytest.approx(stats.ttest_rel(*pair).pvalue)


@pytest.mark.parametrize("pair", PAIRS, ids=len)
def test_the_effect_follows_from_scipys_statistic(pair: np.ndarray) -> None:
    differences = paired_differences(*pair)
    assert cohens_d(differences) == pytest.approx(stats.ttest_rel(*pair).statistic / np.sqrt(len(differences)))


def test_differences_are_paired_and_blind_to_noise() -> None:
    first = np.array([1.0, np.nan, 0.1 + 0.2, 5.0])
    second = np.array([0.5, 1.0, 0.3, np.nan])
    assert paired_differences(first, second) == pytest.approx([0.5, np.nan, 0.0, np.nan], nan_ok=True)
    assert paired_differences(first, second)[2] == 0.0


def test_a_mean_that_is_float_noise_is_zero() -> None:
    """Thirty times 0.1 and ten times -0.3: their sum is 0, that of the floats is not."""
    differences = np.repeat([0.1, -0.3], [30, 10])
    assert differences.mean() != 0
    assert mean_difference(differences) == 0
    assert mean_difference(differences + 1e-6) == pytest.approx(1e-6)
    assert mean_difference(np.zeros(3)) == 0
    assert np.isnan(mean_difference(np.array([])))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("differences", "t", "d"),
    [
        ([], np.nan, None),
        ([0.3], np.nan, None),
        ([0.0], np.nan, None),
        ([0.0, 0.0, 0.0], 1.0, 0.0),
        ([0.5, 0.5, 0.5], np.nan, None),
        ([0.1] * 7, np.nan, None),
    ],
)
def test_degenerate_differences_have_defined_answers(differences: list[float], t: float, d: float | None) -> None:
    """Two equal differences are no certainty."""
    assert t_test(np.array(differences)) == pytest.approx(t, nan_ok=True)
    assert cohens_d(np.array(differences)) == d


def test_p_is_uniform_where_nothing_differs() -> None:
    p = [t_test(row) for row in np.random.default_rng(7).standard_t(5, size=(600, 40))]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_differences_that_vary_by_the_noise_of_floats_do_not_vary() -> None:
    """0.9 - 0.8 and 0.3 - 0.2 are not the same float: of such samples a t-test had p = 1e-31 and d_z was 1e15."""
    differences = np.array([0.9 - 0.8, 0.3 - 0.2, 0.1])
    assert np.ptp(differences) > 0
    assert np.isnan(t_test(differences)) and cohens_d(differences) is None
    found = mean_interval(np.array([0.1 + 0.2, 0.3] * 20))
    assert found.kind is None and np.isnan([found.low, found.high]).all()
