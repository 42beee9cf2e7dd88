import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from harness.analysis.bootstrap import resampled_means
from harness.analysis.confidence_intervals import MeanIntervals, ScoreScale, mean_interval, mean_intervals, wilson
from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import RANK_INTERVALS_FROM, STUDENT_T_BELOW, Results
from harness.results.document import Row
from tests.support.synthetic_results import group_of, metric


def of_proportions(values: np.ndarray, confidence: float = 0.95) -> MeanIntervals:
    return mean_intervals(values, np.full((2, values.shape[1]), np.nan), scale(values.shape[1], 0, 1, True), confidence)


def scale(columns: int, lowest: float, highest: float, proportions: bool = False) -> ScoreScale:
    return ScoreScale(np.full(columns, float(lowest)), np.full(columns, float(highest)), np.full(columns, proportions))


def covered(found: MeanIntervals, truth: float) -> float:
    return float(((found.low <= truth) & (truth <= found.high)).mean())


@pytest.mark.parametrize(("hits", "count"), [(0, 6), (6, 6), (3, 6), (47, 48), (1, 2), (50, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_proportions_have_scipys_wilson_interval(hits: int, count: int, confidence: float) -> None:
    theirs = stats.binomtest(hits, count).proportion_ci(confidence, method="wilson")
    low, high = wilson(np.array([hits / count]), np.array([count]), confidence)
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("count", [6, 12, 48])
def test_proportions_are_covered_about_as_often_as_said(count: int) -> None:
    """Over the whole range of true shares, all of one kind included; the bootstrap's interval has no width then."""
    generator = np.random.default_rng(count)
    rates = [covered(of_proportions((generator.random((count, 2000)) < p).astype(float)), p) for p in np.linspace(0.02, 0.98, 25)]
    assert np.mean(rates) == pytest.approx(0.95, abs=0.015)
    assert min(rates) > 0.82


@pytest.mark.parametrize("draw", [np.random.Generator.normal, np.random.Generator.uniform], ids=["normal", "uniform"])
@pytest.mark.parametrize("count", [4, 6, 12, STUDENT_T_BELOW - 1])
def test_means_of_few_samples_are_covered(count: int, draw: Callable[..., np.ndarray]) -> None:
    values = draw(np.random.default_rng(count), size=(count, 4000))
    found = mean_intervals(values, np.full((2, 4000), np.nan), ScoreScale.free(4000), 0.95)
    assert covered(found, 0.5 if draw is np.random.Generator.uniform else 0.0) == pytest.approx(0.95, abs=0.02)
    assert set(found.kinds) == {"student"}


def test_means_of_many_samples_are_covered() -> None:
    values = np.random.default_rng(0).normal(size=(40, 400))
    found = mean_intervals(values, resampled_means(values, 1000, 3), ScoreScale.free(400), 0.9)
    assert covered(found, 0.0) == pytest.approx(0.9, abs=0.04)
    assert set(found.kinds) == {"bootstrap"}


def test_few_samples_have_students_interval() -> None:
    values = np.array([0.2, 0.5, 0.9, np.nan, 0.4])
    found, defined = mean_interval(values), values[~np.isnan(values)]
    theirs = stats.ttest_1samp(defined, 0).confidence_interval(0.95)
    assert (found.mean, found.low, found.high) == pytest.approx((defined.mean(), theirs.low, theirs.high))


def test_many_samples_have_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(1).gamma(2.0, size=60)
    ours = mean_interval(values, resamples=20_000, seed=3)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(4)).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.01)


def test_intervals_stay_inside_the_bounds_of_their_metric() -> None:
    values = np.array([[0.0], [0.9], [1.0]])
    found = mean_intervals(values, np.full((2, 1), np.nan), scale(1, 0, 1), 0.95)
    assert (found.low[0], found.high[0]) == (0.0, 1.0)


@pytest.mark.parametrize("scores", [[-7.0, -6.0, -6.5], [100.0, 120.0, 140.0], [0.2, 0.4, 7.0], [0.5, 0.9, 1.0000002]])
def test_scores_beyond_the_bounds_of_their_metric_have_intervals_that_hold_their_mean(scores: list[float]) -> None:
    values = np.array(scores)[:, None]
    bounded = ScoreScale.of_metrics([dataclasses.replace(metric(), bounds=(0, 1))], values)
    found = mean_intervals(values, np.full((2, 1), np.nan), bounded, 0.95)
    free = mean_interval(values[:, 0])
    assert found.low[0] <= values.mean() <= found.high[0]
    assert found.low[0] == (free.low if values.min() < 0 else max(free.low, 0.0))
    assert found.high[0] == (free.high if values.max() > 1.1 else min(free.high, values.max()))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [2.0], [2.0] * 6, [0.3] * 40, [0.0] * 48])
def test_samples_that_say_nothing_of_how_scores_vary_have_no_interval(values: list[float]) -> None:
    found = mean_interval(np.array(values), resamples=50)
    assert np.isnan(found.low) and np.isnan(found.high)
    assert found.kind is None


@pytest.mark.parametrize(
    ("bounds", "scores", "proportion"),
    [
        ((0, 1), [[1, 1], [1, 1]], True),
        ((0, 1), [[1, 0], [np.nan, 1]], True),
        ((0, 1), [[1, 0.5], [1, 1]], False),
        ((None, None), [[1, 0], [1, 1]], True),
        ((None, None), [[1, 1], [1, 1]], False),
        ((0, None), [[0, 1], [0, 0]], False),
    ],
)
def test_which_metrics_are_proportions(bounds: tuple[float | None, float | None], scores: list[list[float]], proportion: bool) -> None:
    """A sensitivity of 0 throughout is no proportion: it has no upper bound."""
    info = dataclasses.replace(metric(), bounds=bounds)
    assert ScoreScale.of_metrics([info], np.array(scores, dtype=float)[:, :, None]).proportions.tolist() == [proportion]


def numbers(scores: dict[str, np.ndarray], **changes: object) -> dict[str, Row]:
    hit = dataclasses.replace(metric("hit", category="localisation"), bounds=(0, 1))
    group = group_of({label: {"hit": values} for label, values in scores.items()}, [hit])
    found = build_leaderboard(Results(provenance={}, groups=[group], bootstrap=200, **changes))  # type: ignore[arg-type]
    return {row.label: row for row in found.groups[0].rows}


def test_six_hits_of_six_are_no_certainty() -> None:
    found = numbers({"a": np.ones(6), "b": np.zeros(6)}, reference="b")
    score = found["a"].cells["hit"]
    assert (score.mean, score.interval) == (1.0, "wilson")
    assert (score.low, score.high) == pytest.approx((0.6097, 1.0), abs=1e-4)
    versus = score.versus_reference
    assert versus is not None
    assert versus.difference == 1.0
    assert (versus.low, versus.high, versus.p_ttest_holm) == (None, None, None)


@pytest.mark.parametrize("size", [1, RANK_INTERVALS_FROM - 1, RANK_INTERVALS_FROM])
def test_ranks_of_few_samples_have_no_interval(size: int) -> None:
    rank = numbers({"a": np.linspace(0.5, 0.6, size), "b": np.linspace(0.1, 0.2, size)})["a"].rank
    assert rank.mean == 1.0
    assert (rank.low is None) == (rank.high is None) == (size < RANK_INTERVALS_FROM)


def test_a_group_of_few_samples_takes_the_interval_of_the_overall_rank() -> None:
    def group(model: str, size: int) -> object:
        values = np.random.default_rng(size).normal(size=(2, size))
        return group_of({"a": {"m": values[0]}, "b": {"m": values[1]}}, [metric()], model=model)

    def overall(*sizes: int) -> bool:
        groups = [group(f"net-{size}", size) for size in sizes]
        found = build_leaderboard(Results(provenance={}, groups=groups, bootstrap=100))  # type: ignore[arg-type]
        return found.overall[0].ranks["metric"].low is None

    assert not overall(20, 21)
    assert overall(20, 4)
