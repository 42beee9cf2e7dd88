import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from harness.analysis.ranking import metric_ranks, rank_scores

SCORES = arrays(np.float64, st.integers(1, 9), elements=st.one_of(st.integers(-5, 5).map(float), st.just(np.nan)))


@given(SCORES)
def test_ranks_of_what_is_defined_are_scipys_and_the_rest_takes_no_place(scores: np.ndarray) -> None:
    found = rank_scores(scores)
    defined = ~np.isnan(scores)
    assert np.isnan(found[~defined]).all()
    assert np.array_equal(found[defined], stats.rankdata(-scores[defined]))


@given(SCORES)
def test_direction_turns_the_order_round(scores: np.ndarray) -> None:
    assert np.array_equal(rank_scores(scores, -1.0), rank_scores(-scores, 1.0), equal_nan=True)


@given(SCORES)
def test_monotone_transformations_leave_ranks_alone(scores: np.ndarray) -> None:
    assert np.array_equal(rank_scores(np.exp(scores) * 3 + 1), rank_scores(scores), equal_nan=True)


def test_undefined_scores_are_not_first_whichever_direction_is_better() -> None:
    scores = np.array([np.nan, 1.0, 2.0])
    assert rank_scores(scores, 1.0) == pytest.approx([np.nan, 2, 1], nan_ok=True)
    assert rank_scores(scores, -1.0) == pytest.approx([np.nan, 1, 2], nan_ok=True)


def test_float_noise_does_not_break_a_tie() -> None:
    assert rank_scores(np.array([0.1 + 0.2, 0.3, 0.5])) == pytest.approx([2.5, 2.5, 1])
    assert rank_scores(np.array([1e12, 0.1, 0.2])) == pytest.approx([1, 3, 2]), "one large score must not tie the others"
    assert rank_scores(np.array([1.0, np.nextafter(np.float32(1), np.float32(2))])).tolist() == [2, 1], "a float32 apart is no noise"


def test_ranks_along_an_axis_are_those_of_each_column() -> None:
    scores = np.random.default_rng(0).normal(size=(4, 6, 3))
    found = rank_scores(scores, axis=1)
    for block in range(4):
        for column in range(3):
            assert np.array_equal(found[block, :, column], rank_scores(scores[block, :, column]))


def test_metrics_are_ranked_each_in_its_direction() -> None:
    scores = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, np.nan]])
    assert metric_ranks(scores, [1, -1]) == pytest.approx(np.array([[1, 1], [2, 2], [3, np.nan]]), nan_ok=True)
