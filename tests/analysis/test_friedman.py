import numpy as np
import pytest
from scipy import stats

from harness.analysis.friedman import critical_difference, critical_value, friedman_p, rank_cliques
from harness.analysis.ranking import rank_scores

# Demšar 2006, table 5(a): critical values of the two-tailed Nemenyi test for 2 to 10 classifiers
Q_05 = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
Q_10 = [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]

# Demšar 2006, table 6: AUC of C4.5 and three variants (m, cf, m+cf) on fourteen data sets. "voting" is printed as 0.975 twice but ranked
# 2 and 3 there, so its third figure gets the decimal that rounding took.
LABELS = ["C4.5", "m", "cf", "m+cf"]
AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


@pytest.mark.parametrize(("confidence", "table"), [(0.95, Q_05), (0.90, Q_10)])
def test_critical_values_are_the_published_ones(confidence: float, table: list[float]) -> None:
    assert [critical_value(k, confidence) for k in range(2, 11)] == pytest.approx(table, abs=0.0011)


@pytest.mark.parametrize("treatments", [2, 5, 17, 200])
def test_critical_values_are_those_of_scipys_studentised_range(treatments: int) -> None:
    for confidence in (0.5, 0.9, 0.999):
        expected = stats.studentized_range.ppf(confidence, treatments, np.inf) / np.sqrt(2)
        assert critical_value(treatments, confidence) == pytest.approx(expected, rel=1e-7)


def test_published_example_at_95_percent() -> None:
    found = critical_difference(AUC, LABELS, confidence=0.95)
    assert found is not None
    assert [found.mean_ranks[label] for label in LABELS] == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=0.001)
    assert found.difference == pytest.approx(1.25, abs=0.005)
    assert found.samples == 14
    assert len(found.cliques) == 1, "the Nemenyi test finds nothing at 0.05"


def test_published_example_at_90_percent() -> None:
    found = critical_difference(AUC, LABELS, confidence=0.90)
    assert found is not None
    assert found.difference == pytest.approx(1.12, abs=0.005)
    assert found.cliques == [["m+cf", "m", "cf"], ["cf", "C4.5"]]


@pytest.mark.parametrize("seed", range(4))
def test_friedman_agrees_with_scipy_also_with_ties(seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 6, size=(20, 5)).astype(float)
    assert friedman_p(rank_scores(scores)) == pytest.approx(stats.friedmanchisquare(*scores.T).pvalue)


def test_lower_is_better_turns_the_ranks_round() -> None:
    up, down = critical_difference(AUC, LABELS, sign=1), critical_difference(AUC, LABELS, sign=-1)
    assert up is not None
    assert down is not None
    assert [down.mean_ranks[label] + up.mean_ranks[label] for label in LABELS] == pytest.approx([5] * 4)


def test_samples_with_gaps_are_left_out() -> None:
    gappy = np.vstack([AUC, [np.nan, 1, 2, 3]])
    assert critical_difference(gappy, LABELS) == critical_difference(AUC, LABELS)


@pytest.mark.filterwarnings("error")
def test_degenerate_tables() -> None:
    assert critical_difference(np.ones((1, 4)), LABELS) is None
    assert critical_difference(np.ones((5, 1)), ["a"]) is None
    assert critical_difference(np.empty((0, 0)), []) is None
    tied = critical_difference(np.ones((5, 4)), LABELS)
    assert tied is not None
    assert tied.p_friedman == 1.0
    assert tied.cliques == [LABELS]


def test_cliques_are_maximal_and_hold_everybody() -> None:
    mean = {"a": 1.0, "b": 1.5, "c": 2.2, "d": 4.0}
    assert rank_cliques(mean, 1.0) == [["a", "b"], ["b", "c"], ["d"]]
    assert rank_cliques(mean, 0.5) == [["a"], ["b"], ["c"], ["d"]], "a difference as large as the critical one is significant"
