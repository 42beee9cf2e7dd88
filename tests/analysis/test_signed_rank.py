from itertools import product

import numpy as np
import pytest
from scipy import stats

from harness.analysis.signed_rank import signed_ranks


def signed(differences: np.ndarray) -> tuple[float, float, float]:
    found = signed_ranks(np.asarray(differences, dtype=float)[:, None])
    return float(found.p[0]), float(found.p_greater[0]), float(found.effect[0])


def by_enumeration(differences: np.ndarray) -> tuple[float, float]:
    """Two-sided p and that of a greater sum, over all signs."""
    nonzero = differences[differences != 0]
    ranked = stats.rankdata(np.abs(nonzero))
    sums = np.array([ranked @ np.array(signs) for signs in product([0, 1], repeat=len(nonzero))])
    observed = ranked @ (nonzero > 0)
    greater, less = (sums >= observed).mean(), (sums <= observed).mean()
    return min(1.0, 2 * min(greater, less)), greater


@pytest.mark.parametrize("size", [1, 5, 12, 48, 100])
def test_without_ties_the_p_is_scipys_exact_one(size: int) -> None:
    for seed in range(4):
        values = np.random.default_rng(seed).normal(0.3, 1.0, size)
        for p, alternative in zip(signed(values), ("two-sided", "greater"), strict=False):
            assert p == pytest.approx(stats.wilcoxon(values, alternative=alternative, method="exact").pvalue, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_with_ties_and_zeros_the_p_is_that_of_all_signs(seed: int) -> None:
    """Three levels, halves, one level only: enumerated, and as SciPy's permutation test enumerates them."""
    generator = np.random.default_rng(seed)
    for values in (
        generator.integers(-3, 5, 11).astype(float),
        generator.choice([-1.0, 0.0, 1.0], 12),
        generator.normal(0.3, 1, 9).round(1),
        np.abs(generator.integers(-2, 3, 10)).astype(float),
    ):
        if not values.any():
            continue
        expected = by_enumeration(values)
        assert signed(values)[:2] == pytest.approx(expected, rel=1e-12)
        nonzero = values[values != 0]
        theirs = stats.wilcoxon(nonzero, alternative="greater", method=stats.PermutationMethod(n_resamples=2 ** len(nonzero)))
        assert signed(values)[1] == pytest.approx(theirs.pvalue, rel=1e-9)


def test_scores_of_zero_or_one_give_the_sign_test() -> None:
    """All differences that are not 0 share one rank: the sum is binomial."""
    for favourable, against in ((9, 1), (30, 18), (55, 45)):
        values = np.concatenate([np.ones(favourable), -np.ones(against), np.zeros(7)])
        expected = stats.binomtest(favourable, favourable + against).pvalue
        assert signed(values)[0] == pytest.approx(expected, rel=1e-9)


def test_the_smallest_p_is_that_of_one_sign_pattern() -> None:
    assert signed(np.arange(1.0, 101.0))[1] == pytest.approx(2.0**-100, rel=1e-12)


def test_against_the_published_small_table() -> None:
    """Two-sided exact p for n = 6: 2/64 where all signs agree, 4/64 with the smallest difference alone against the rest."""
    assert signed(np.array([1.0, 2, 3, 4, 5, 6]))[0] == pytest.approx(2 / 64)
    assert signed(np.array([-1.0, 2, 3, 4, 5, 6]))[0] == pytest.approx(4 / 64)


@pytest.mark.parametrize("decimals", [8, 1])
def test_beyond_a_hundred_the_p_is_the_normal_one_with_its_corrections(decimals: int) -> None:
    values = np.random.default_rng(2).normal(0.1, 1.0, 180).round(decimals)
    nonzero = values[values != 0]
    for p, alternative in zip(signed(values), ("two-sided", "greater"), strict=False):
        theirs = stats.wilcoxon(nonzero, alternative=alternative, method="asymptotic", correction=True)
        assert p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_the_normal_p_takes_over_where_it_is_close() -> None:
    values = np.random.default_rng(4).normal(0.2, 1.0, 101)
    assert signed(values)[0] == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, rel=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_zeros_that_are_split_give_scipys_p(seed: int) -> None:
    values = np.random.default_rng(seed).choice([-1.0, 0.0, 0.0, 1.0, 2.5], 11)
    found = signed_ranks(values[:, None], zeros="split").p[0]
    theirs = stats.wilcoxon(values, zero_method="zsplit", method=stats.PermutationMethod(n_resamples=2**11))
    assert found == pytest.approx(theirs.pvalue, rel=1e-9)


def test_noise_of_the_last_bit_makes_no_rank() -> None:
    """0.3 - 0.2 and 0.2 - 0.1 are one difference."""
    noisy = np.array([0.3 - 0.2, 0.1 - 0.2, 0.1])
    assert len(set(np.abs(noisy))) > 1
    assert signed(noisy) == pytest.approx(signed(np.array([1.0, -1.0, 1.0])))


@pytest.mark.parametrize("size", [5, 48, 200])
def test_the_effect_follows_from_scipys_statistic(size: int) -> None:
    values = np.random.default_rng(size).normal(0.4, 1.0, size)
    positive = stats.wilcoxon(values, alternative="greater").statistic
    assert signed(values)[2] == pytest.approx(2 * positive / (size * (size + 1) / 2) - 1)


def test_the_effect_by_hand() -> None:
    assert signed(np.array([1.0, 2.0, 3.0, -4.0]))[2] == pytest.approx(0.2)
    assert signed(np.array([0.0, 0.1, 0.2]))[2] == 1.0
    assert signed(np.array([-0.1]))[2] == -1.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("differences", "p", "effect"),
    [([], np.nan, np.nan), ([np.nan], np.nan, np.nan), ([0.3], 1.0, 1.0), ([0.0, 0.0], 1.0, 0.0), ([0.5] * 3, 0.25, 1.0)],
)
def test_degenerate_differences_have_defined_answers(differences: list[float], p: float, effect: float) -> None:
    assert signed(np.array(differences))[::2] == pytest.approx((p, effect), nan_ok=True)


def test_p_is_uniform_where_nothing_differs() -> None:
    p = signed_ranks(np.random.default_rng(7).standard_t(5, size=(40, 600))).p
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_a_column_does_not_depend_on_its_neighbours() -> None:
    """Long and short columns, ties, zeros and gaps, in more parts than one."""
    generator = np.random.default_rng(3)
    columns = generator.normal(0.05, 1.0, (3000, 70))
    columns[:, 10:20] = columns[:, 10:20].round(1)
    columns[90:, 20:25] = 0.0
    columns[20:, 25:30] = 0.0
    columns[:, 30] = 0.0
    columns[:5, 40:45] = np.nan
    columns[:, 50] = np.nan
    columns[:, 60] = 2.5
    together = signed_ranks(columns)
    for k, column in enumerate(columns.T):
        alone = signed(column[~np.isnan(column)])
        assert (together.p[k], together.p_greater[k], together.effect[k]) == pytest.approx(alone, rel=1e-9, nan_ok=True)
