"""Places that hold although the hardest null is looked for on the same samples, and that no noise of floats decides."""

import numpy as np
import pytest

from harness.analysis.bootstrap import ResampledMeans
from harness.analysis.composed_intervals import estimate_interval
from harness.analysis.rank_confidence_sets import rank_confidence_sets
from harness.analysis.skill import wins_against_hardest
from harness.analysis.standings import Contest, make_standings
from harness.results.document import Standing

NULLS = 5


def wins_of_two(rng: np.random.Generator, size: int, metrics: int) -> tuple[np.ndarray, np.ndarray]:
    """Headlines ``(N, 2)`` against the hardest null there, and on the other half, of two explainers that are equally good.

    Under each metric both beat a null that is the hardest with the same probability; one has five nulls that are, the other one (as if
    it beat the rest always).
    """
    found = np.zeros((2, size, 2))
    folds = np.arange(size) % 2
    for _ in range(metrics):
        nulls = {str(k): rng.normal(size=size) for k in range(NULLS)}
        for e, candidates in enumerate((nulls, {"0": nulls["0"]})):
            scores = rng.normal(size=size) + 0.5
            found[0, :, e] += wins_against_hardest(scores, candidates, 1.0) / metrics
            found[1, :, e] += wins_against_hardest(scores, candidates, 1.0, folds) / metrics
    return found[0], found[1]


def contest(skill: ResampledMeans, size: int, elsewhere: ResampledMeans | None = None) -> Contest:
    count = len(skill.means)
    return Contest(skill, skill if elsewhere is None else elsewhere, size, np.zeros(count), np.ones(count), np.ones(count, dtype=bool))


@pytest.mark.parametrize(("size", "metrics"), [(48, 10), (120, 10)])
def test_who_has_several_nulls_that_are_hard_is_not_behind_who_has_one(size: int, metrics: int) -> None:
    """Skill is too little by more where several nulls are about as hard: the difference of two skills shows that alone."""
    rng, repeats = np.random.default_rng(1), 60
    told, by_skill_alone = 0, 0
    for repeat in range(repeats):
        skill, elsewhere = (ResampledMeans.of(wins, 300, repeat) for wins in wins_of_two(rng, size, metrics))
        told += make_standings(contest(skill, size, elsewhere), 0.95)[0].places != (1, 2)
        by_skill_alone += rank_confidence_sets(skill.means, skill.draws, size).differ[0, 1]
    assert by_skill_alone / repeats > 0.3, "the case shows nothing"
    assert told / repeats <= 0.1


def test_who_is_ahead_whichever_null_is_the_hardest_is_ahead() -> None:
    rng = np.random.default_rng(2)
    wins = (rng.random((48, 6, 2)) < np.array([0.9, 0.6])).mean(axis=1)
    skill = ResampledMeans.of(wins, 300, 0)
    a_little_more = ResampledMeans.of(np.minimum(wins + 0.02, 1), 300, 0)
    found = make_standings(contest(skill, 48, a_little_more), 0.95)
    assert [one.places for one in found] == [(1, 1), (2, 2)]
    assert [one.alike for one in found] == ["a", "b"]


def standings(values: list[float]) -> list[Standing]:
    means = np.asarray(values)
    return make_standings(contest(ResampledMeans(means, np.tile(means, (9, 1))), 512), 0.95)


def test_the_order_of_a_sum_decides_no_place() -> None:
    """256 wins and a tie of 512 are 0.5009765625: rounded to nine decimals, a sum may fall to either side."""
    half = 0.5 + 2**-10
    for less, more in ((half - 4e-16, half + 4e-16), (0.1 + 0.2, 0.3), (1 - 2e-16, 1 + 2e-16)):
        assert [one.place for one in standings([less, more, 0.2])] == [1, 1, 3]
    assert [one.place for one in standings([half, half + 2**-20])] == [2, 1]


def test_a_skill_is_at_most_1_and_always_winning_has_an_interval_whatever_the_order_of_a_sum() -> None:
    one, less = np.array([1.0, 1 - 2e-16]), np.array([0.0, 2e-16])
    for estimate in (one, less):
        low, high = estimate_interval(estimate, np.tile(estimate, (9, 1)), 20, 0.95)
        assert low[0] == pytest.approx(low[1]) and high[0] == pytest.approx(high[1]) and low[0] < high[0]
    assert [one.skill.value for one in standings([1 + 2e-16, 1 - 2e-16, 0.5 + 1e-16])] == [1.0, 1.0, 0.5]
