import dataclasses

import numpy as np
import pytest
from scipy import stats

from harness.analysis.confidence_intervals import MeanIntervals, ScoreScale, mean_interval, mean_intervals
from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import Results
from harness.results.document import Row
from tests.support.synthetic_results import group_of, metric


def of_proportions(values: np.ndarray, confidence: float = 0.95) -> MeanIntervals:
    return mean_intervals(values, scale(values.shape[1], 0, 1, True), confidence)


def scale(columns: int, lowest: float, highest: float, proportions: bool = False) -> ScoreScale:
    return ScoreScale(np.full(columns, float(lowest)), np.full(columns, float(highest)), np.full(columns, proportions))


def covered(found: MeanIntervals, truth: float) -> float:
    return float(((found.low <= truth) & (truth <= found.high)).mean())


@pytest.mark.parametrize("count", [6, 12, 48])
def test_proportions_are_covered_about_as_often_as_said(count: int) -> None:
    """Over the whole range of true shares, all of one kind included; the bootstrap's interval has no width then."""
    generator = np.random.default_rng(count)
    rates = [covered(of_proportions((generator.random((count, 2000)) < p).astype(float)), p) for p in np.linspace(0.02, 0.98, 25)]
    assert np.mean(rates) == pytest.approx(0.95, abs=0.015)
    assert min(rates) > 0.82


@pytest.mark.parametrize("count", [2, 3, 9, 40])
def test_symmetric_scores_have_students_interval(count: int) -> None:
    half = np.random.default_rng(count).normal(size=(count + 1) // 2)
    values = np.concatenate([2 - half, 2 + half, [np.nan, 2.0] if count % 2 else [np.nan]])
    found, theirs = mean_interval(values), stats.ttest_1samp(values[~np.isnan(values)], 0).confidence_interval(0.95)
    assert (found.mean, found.low, found.high) == pytest.approx((2.0, theirs.low, theirs.high))
    assert found.kind == "student"


@pytest.mark.parametrize("sign", [1, -1])
def test_the_long_side_of_skewed_scores_reaches_as_far_as_scipys_bca(sign: int) -> None:
    """The bootstrap that is corrected for bias and acceleration agrees to second order; the other side is Student's."""
    values = sign * np.random.default_rng(1).gamma(1.0, size=400)
    found, plain = mean_interval(values), stats.ttest_1samp(values, 0).confidence_interval(0.95)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=40_000, method="BCa", rng=np.random.default_rng(4)).confidence_interval
    ours, bca, students = ((ends.low, ends.high) if sign > 0 else (-ends.high, -ends.low) for ends in (found, theirs, plain))
    assert ours[0] == pytest.approx(students[0])
    half = students[1] - students[0]
    assert abs(ours[1] - bca[1]) < 0.015 * half < abs(students[1] - bca[1])


@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1e150])
def test_intervals_do_not_hang_on_the_unit_of_scores(scale: float) -> None:
    values = np.random.default_rng(0).gamma(1.0, size=(20, 1))
    one, other = (mean_intervals(values * unit, ScoreScale.free(1), 0.95) for unit in (1.0, scale))
    assert other.low / scale == pytest.approx(one.low)
    assert other.high / scale == pytest.approx(one.high)


def test_many_scores_are_worked_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).gamma(1.0, size=(50, 3))
    values[7, 1] = np.nan
    whole = mean_intervals(values, ScoreScale.free(3), 0.95)
    monkeypatch.setattr("harness.analysis.confidence_intervals.CHUNK_SIZE", 21)
    parts = mean_intervals(values, ScoreScale.free(3), 0.95)
    assert (parts.low, parts.high) == (pytest.approx(whole.low), pytest.approx(whole.high))
    alone = mean_interval(values[:, 1])
    assert (alone.low, alone.high) == pytest.approx((whole.low[1], whole.high[1]))


def test_intervals_stay_inside_the_bounds_of_their_metric() -> None:
    values = np.array([[0.0], [0.9], [1.0]])
    found = mean_intervals(values, scale(1, 0, 1), 0.95)
    assert (found.low[0], found.high[0]) == (0.0, 1.0)


def test_rounding_moves_a_bound_and_a_score_beyond_it_shows_that_there_is_none() -> None:
    info = dataclasses.replace(metric(), bounds=(0, 1))
    rounded = ScoreScale.of_metrics([info], np.array([[-1e-7], [0.5], [1 + 1e-7]]))
    assert (rounded.lowest[0], rounded.highest[0]) == (-1e-7, 1 + 1e-7)
    beyond = ScoreScale.of_metrics([info], np.array([[-0.001], [0.5], [1.001]]))
    assert (beyond.lowest[0], beyond.highest[0]) == (-np.inf, np.inf)


@pytest.mark.parametrize("scores", [[-7.0, -6.0, -6.5], [100.0, 120.0, 140.0], [0.2, 0.4, 7.0], [0.5, 0.9, 1.0000002]])
def test_scores_beyond_the_bounds_of_their_metric_have_intervals_that_hold_their_mean(scores: list[float]) -> None:
    values = np.array(scores)[:, None]
    bounded = ScoreScale.of_metrics([dataclasses.replace(metric(), bounds=(0, 1))], values)
    found = mean_intervals(values, bounded, 0.95)
    free = mean_interval(values[:, 0])
    assert found.low[0] <= values.mean() <= found.high[0]
    assert found.low[0] == (free.low if values.min() < 0 else max(free.low, 0.0))
    assert found.high[0] == (free.high if values.max() > 1.1 else min(free.high, max(values.max(), 1.0)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [2.0], [2.0] * 6, [0.3] * 40, [0.0] * 48])
def test_samples_that_say_nothing_of_how_scores_vary_have_no_interval(values: list[float]) -> None:
    found = mean_interval(np.array(values))
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
    assert (versus.low, versus.high, versus.p_ttest) == (None, None, None)
