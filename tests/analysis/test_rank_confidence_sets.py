from itertools import combinations, permutations

import numpy as np
import pytest
from scipy import stats

from harness.analysis.bootstrap import resampled_means
from harness.analysis.confidence_intervals import mean_interval
from harness.analysis.rank_confidence_sets import HOLM_BELOW, RankSets, rank_confidence_sets

Array = np.ndarray


def exact_draws(values: Array) -> Array:
    """``(2 N, E)`` with the covariance that means of resamples of ``values`` (N, E) have in expectation, and no skewness."""
    deviations = (values - values.mean(axis=0)) / np.sqrt(len(values))
    return values.mean(axis=0) + np.concatenate([deviations, -deviations])


def sets_of(values: Array, confidence: float = 0.95) -> RankSets:
    return rank_confidence_sets(values.mean(axis=0), exact_draws(values), len(values), confidence)


def holm(p: dict[tuple[int, int], float], error: float) -> set[tuple[int, int]]:
    """As in Holm (1979): from the smallest p on, until one is not below its level."""
    rejected = set()
    for place, (pair, found) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        if found >= error / (len(p) - place):
            break
        rejected.add(pair)
    return rejected


@pytest.mark.parametrize("size", [6, 10, 48, 99])
@pytest.mark.parametrize("seed", range(4))
def test_few_samples_are_judged_by_scipys_paired_t_and_holms_levels(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(size, 6)) * rng.uniform(0.5, 3, 6) + rng.normal(size=(size, 1)) + 8 * np.arange(6) / np.sqrt(size)
    p = {(i, j): float(stats.ttest_rel(values[:, i], values[:, j], alternative="greater").pvalue) for i, j in permutations(range(6), 2)}
    limit = stats.t.sf(size, size - 1)  # t counts as n at most
    ahead = holm({pair: max(found, limit) for pair, found in p.items()}, 0.05)
    found = sets_of(values)
    assert 0 < len(ahead) < 30 or size == 6
    assert {(i, j) for i, j in permutations(range(6), 2) if found.differ[i, j]} == ahead | {(j, i) for i, j in ahead}
    assert found.low.tolist() == [1 + sum((other, e) in ahead for other in range(6)) for e in range(6)]
    assert found.high.tolist() == [6 - sum((e, other) in ahead for other in range(6)) for e in range(6)]


@pytest.mark.parametrize("confidence", [0.7, 0.9, 0.95])
def test_two_explainers_differ_where_the_interval_of_their_difference_leaves_out_0(confidence: float) -> None:
    """Of skewed differences too, over all 6^6 resamples of six samples."""
    everyone = np.indices((6,) * 6).reshape(6, -1)
    rng = np.random.default_rng(0)
    differ = []
    for _ in range(60):
        values = np.stack([rng.exponential(size=6) * rng.choice([-1, 1]) + rng.uniform(-2, 2), rng.normal(size=6) / 4], axis=1)
        values *= rng.choice([1, 20])
        interval = mean_interval(values[:, 0] - values[:, 1], confidence=confidence)
        found = rank_confidence_sets(values.mean(axis=0), values[everyone].mean(axis=0), 6, confidence)
        differ.append(bool(found.differ[0, 1]))
        assert differ[-1] == (interval.low > 0 or interval.high < 0)
    assert 5 < sum(differ) < 55


@pytest.mark.parametrize("seed", range(3))
def test_many_samples_are_judged_by_the_greatest_resampled_difference_pair_by_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    estimates = rng.normal(size=5) * 5
    noise = rng.multivariate_normal(np.zeros(5), np.diag([1, 1, 2, 0.5, 1]) + 0.5, 200)
    draws = estimates + np.concatenate([noise, -noise])
    pairs = list(permutations(range(5), 2))
    z = {}
    for i, j in pairs:
        apart = draws[:, i] - draws[:, j]
        z[i, j] = (apart - apart.mean()) / apart.std()
    ahead: set[tuple[int, int]] = set()
    while True:
        left = [pair for pair in pairs if pair not in ahead]
        quantile = np.quantile([max(z[pair][r] for pair in left) for r in range(400)], 0.95)
        new = {(i, j) for i, j in left if (estimates[i] - estimates[j]) / (draws[:, i] - draws[:, j]).std() > quantile}
        if not new:
            break
        ahead |= new
    found = rank_confidence_sets(estimates, draws, 10**9)  # of so many samples that t is normal
    assert ahead
    assert {(i, j) for i, j in pairs if found.differ[i, j]} == ahead | {(j, i) for i, j in ahead}


@pytest.mark.parametrize(("factor", "differ"), [(0.985, False), (1.015, True)])
def test_independent_explainers_need_tukeys_range_to_differ(factor: float, differ: bool) -> None:
    needed = stats.studentized_range.ppf(0.95, 6, np.inf)  # of means whose standard error is 1
    estimates = np.array([needed * factor, 2.1, 2.0, 1.9, 1.8, 0.0])
    noise = np.random.default_rng(0).normal(size=(50_000, 6))
    draws = estimates + np.concatenate([noise, -noise])
    found = rank_confidence_sets(estimates, draws, 10**9)
    assert found.differ[0, 5] == differ
    assert found.differ.sum() == 2 * differ


@pytest.mark.parametrize("size", [30, 400])
def test_places_of_what_is_far_apart_are_certain_and_ties_share_theirs(size: int) -> None:
    values = np.random.default_rng(0).normal(size=(size, 5)) + np.array([0, 100, 0, 100, -50])
    found = rank_confidence_sets(values.mean(axis=0), resampled_means(values, 500, 0), size)
    assert found.low.tolist() == [3, 1, 3, 1, 5]
    assert found.high.tolist() == [4, 2, 4, 2, 5]
    assert (found.differ == (np.abs(np.subtract.outer([0, 100, 0, 100, -50], [0, 100, 0, 100, -50])) > 0)).all()


@pytest.mark.parametrize("size", [20, 200])
def test_equal_columns_tie_and_cost_others_nothing(size: int) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(size, 3)) * 0.7 + np.array([0, 0.3, 1.0])
    twins = np.concatenate([values, values[:, [2]]], axis=1)
    found = rank_confidence_sets(twins.mean(axis=0), resampled_means(twins, 1000, 0), size)
    assert not found.differ[2, 3]
    assert (found.low[2], found.high[2]) == (found.low[3], found.high[3]) == (1, 2)
    same = rank_confidence_sets(np.full(4, 0.1 + 0.2), np.full((50, 4), 0.3), size)
    assert not same.differ.any()
    assert same.low.tolist() == [1] * 4
    assert same.high.tolist() == [4] * 4


@pytest.mark.parametrize(
    ("size", "explainers", "differ"), [(5, 2, False), (6, 2, True), (6, 8, False), (7, 8, True), (1, 2, False), (0, 2, False)]
)
def test_differences_that_never_vary_count_as_much_as_there_are_samples(size: int, explainers: int, differ: bool) -> None:
    """t = n: of n - 1 degrees of freedom, p is 9.2e-4 for 6 samples and 2.1e-4 for 7; Holm asks for 8.9e-4 of 8 explainers."""
    estimates = np.arange(explainers) / 10
    found = rank_confidence_sets(estimates, np.tile(estimates, (100, 1)), size)
    assert found.differ[np.triu_indices(explainers, 1)].all() == differ
    assert found.differ.any() == differ
    assert found.low.tolist() == (list(range(explainers, 0, -1)) if differ else [1] * explainers)


def test_what_has_no_estimate_takes_no_place_and_resamples_that_lack_one_are_left_out() -> None:
    values = np.random.default_rng(0).normal(size=(40, 4)) + np.array([0, 5, 10, 15])
    estimates, draws = values.mean(axis=0), resampled_means(values, 400, 0)
    whole = rank_confidence_sets(estimates[[0, 1, 3]], draws[:300, [0, 1, 3]], 40)
    draws[300:, 1] = np.nan
    estimates[2] = np.nan
    found = rank_confidence_sets(estimates, draws, 40)
    assert found.low.tolist() == pytest.approx([3, 2, np.nan, 1], nan_ok=True)
    assert found.high.tolist() == pytest.approx([3, 2, np.nan, 1], nan_ok=True)
    assert not found.differ[2].any()
    assert not found.differ[:, 2].any()
    assert (found.differ[np.ix_([0, 1, 3], [0, 1, 3])] == whole.differ).all()
    nobody = rank_confidence_sets(np.full(2, np.nan), draws[:, :2], 40)
    assert np.isnan(nobody.low).all()
    alone = rank_confidence_sets(np.array([0.3]), draws[:, :1], 40)
    assert (alone.low[0], alone.high[0]) == (1, 1)
    assert rank_confidence_sets(np.empty(0), np.empty((9, 0)), 40).differ.shape == (0, 0)


@pytest.mark.parametrize("size", [20, 200])
def test_neither_order_nor_scale_matters_and_sets_hold_the_estimated_place(size: int) -> None:
    values = np.random.default_rng(3).normal(size=(size, 7)) + np.arange(7) * 2 / np.sqrt(size)
    estimates, draws = values.mean(axis=0), resampled_means(values, 500, 0)
    found = rank_confidence_sets(estimates, draws, size)
    place = stats.rankdata(-estimates)
    assert ((found.low <= place) & (place <= found.high)).all()
    assert 0 < found.differ.sum() < 42
    order = np.random.default_rng(4).permutation(7)
    moved = rank_confidence_sets(4 * estimates[order] + 1, 4 * draws[:, order] + 1, size)
    assert moved.low.tolist() == found.low[order].tolist()
    assert moved.high.tolist() == found.high[order].tolist()
    mirrored = rank_confidence_sets(-estimates, -draws, size)
    assert mirrored.low.tolist() == (8 - found.high).tolist()


def test_more_confidence_tells_fewer_apart() -> None:
    for size in (20, HOLM_BELOW):
        values = np.random.default_rng(5).normal(size=(size, 10)) + np.arange(10) * 2 / np.sqrt(size)
        draws = resampled_means(values, 1000, 0)
        less, more = (rank_confidence_sets(values.mean(axis=0), draws, size, confidence).differ for confidence in (0.5, 0.99))
        assert (less | ~more).all()
        assert less.sum() > more.sum()


def normal_values(rng: np.random.Generator, size: int, means: Array) -> Array:
    return rng.normal(size=(size, len(means))) + means


def skill_values(rng: np.random.Generator, size: int, means: Array) -> Array:
    """Means of four metrics that are 0, a half or 1: a tenth are halves; explainers and metrics are correlated on a sample."""
    z = np.sqrt(0.3) * rng.normal(size=(size, 1, 1)) + np.sqrt(0.4) * rng.normal(size=(size, len(means), 1))
    place = stats.norm.cdf(z + np.sqrt(0.3) * rng.normal(size=(size, len(means), 4)))
    return np.asarray(((place < means[:, None] + 0.05) * 0.5 + (place < means[:, None] - 0.05) * 0.5).mean(axis=2))


@pytest.mark.slow
@pytest.mark.parametrize("size", [10, 48, 200])
@pytest.mark.parametrize("explainers", [3, 8, 20])
@pytest.mark.parametrize("kind", ["normal", "skill"])
def test_all_true_places_are_covered_at_once(kind: str, size: int, explainers: int) -> None:
    """At least 93 % of the time: of 120 draws, more than 18 miss with probability 0.1 % if 7 % do."""
    draw, spread, middle = (normal_values, 6.0, 0.0) if kind == "normal" else (skill_values, 0.4, 0.5)
    steps = np.arange(explainers) / (explainers - 1)
    rng = np.random.default_rng(size * explainers)
    for means in (np.full(explainers, middle), middle + spread * (steps > 0.5), middle + spread * steps):
        best = 1 + (means > means[:, None]).sum(axis=1)
        worst = explainers - (means < means[:, None]).sum(axis=1)
        missed = 0
        for seed in range(120):
            values = draw(rng, size, means)
            found = rank_confidence_sets(values.mean(axis=0), resampled_means(values, 500, seed), size)
            missed += bool(((found.low > best) | (found.high < worst)).any())
        assert missed <= 18, (missed, means)


def test_the_simulated_skill_has_the_means_that_are_asked_for() -> None:
    means = np.array([0.5, 0.72, 0.9])
    found = skill_values(np.random.default_rng(0), 40_000, means)
    assert found.mean(axis=0) == pytest.approx(means, abs=0.01)
    assert set(np.unique(found * 8).astype(int).tolist()) == set(range(9))
    assert all(np.corrcoef(found.T)[i, j] > 0.1 for i, j in combinations(range(3), 2))
