"""Which null is the hardest, and on how many samples an explainer is better than it."""

from itertools import permutations

import numpy as np
import pytest

from harness.analysis.skill import hardest_null, null_candidates, superiority

NAN = float("nan")


def test_superiority_by_hand() -> None:
    scores = np.array([2.0, 1.0, 0.0, NAN, 5.0, NAN])
    null = np.array([1.0, 1.0, 1.0, 1.0, NAN, NAN])
    assert superiority(scores, null, 1.0) == pytest.approx([1, 0.5, 0, 0.5, NAN, NAN], nan_ok=True)
    assert superiority(scores, null, -1.0) == pytest.approx([0, 0.5, 1, 0.5, NAN, NAN], nan_ok=True)


def test_float_noise_is_a_tie() -> None:
    assert superiority(np.array([0.1 + 0.2]), np.array([0.3]), 1.0) == pytest.approx([0.5], abs=0)


def test_the_mean_superiority_is_that_of_mann_and_whitneys_pairs() -> None:
    """Over all pairings of two sets of scores, it is U / (n·m), which is counted here pair by pair."""
    generator = np.random.default_rng(0)
    scores, null = generator.integers(0, 4, 6).astype(float), generator.integers(0, 4, 6).astype(float)
    all_pairings = [superiority(np.array(chosen), null, 1.0).mean() for chosen in permutations(scores)]
    counted = sum((s > n) + (s == n) / 2 for s in scores for n in null) / 36
    assert np.mean(all_pairings) == pytest.approx(counted)


def test_no_null_is_more_than_even_with_itself() -> None:
    generator = np.random.default_rng(1)
    nulls = {label: np.where(generator.random(30) < 0.2, NAN, generator.normal(size=30)) for label in "abc"}
    for label, scores in nulls.items():
        hardest = hardest_null(scores, null_candidates(label, nulls, {}), 1.0)
        assert hardest is not None
        assert np.nanmean(superiority(scores, nulls[hardest], 1.0)) <= 0.5


def test_the_hardest_null_need_not_have_the_best_mean() -> None:
    """One outlier makes the mean of a null that is nearly always beaten."""
    scores = np.arange(10.0)
    outlier = np.r_[np.arange(9.0) - 1, 1e6]
    close = np.arange(10.0) + np.where(np.arange(10) < 6, 0.1, -0.1)
    assert hardest_null(scores, {"outlier": outlier, "close": close}, 1.0) == "close"
    assert hardest_null(-scores, {"outlier": -outlier, "close": -close}, -1.0) == "close"


@pytest.mark.parametrize("order", list(permutations("abz")))
def test_of_equally_hard_nulls_the_best_is_named_then_the_first_by_label(order: tuple[str, ...]) -> None:
    nulls = {"a": np.zeros(4), "b": np.ones(4), "z": np.ones(4)}
    assert hardest_null(np.full(4, 2.0), {label: nulls[label] for label in order}, 1.0) == "b"
    assert hardest_null(np.full(4, -2.0), {label: nulls[label] for label in order}, -1.0) == "a"
    assert hardest_null(np.ones(4), {}, 1.0) is None


def test_candidates_have_half_of_the_samples_and_twins_are_of_their_own_explainer() -> None:
    whole, half, less, never = np.zeros(10), np.zeros(10), np.zeros(10), np.full(10, NAN)
    half[5:], less[4:] = NAN, NAN
    nulls = {"whole": whole, "half": half, "less": less, "never": never, "e-twin": whole}
    assert list(null_candidates("e", nulls, {"e-twin": "e"})) == ["whole", "half", "e-twin"]
    assert list(null_candidates("f", nulls, {"e-twin": "e"})) == ["whole", "half"]
    assert list(null_candidates("e-twin", nulls, {"e-twin": "e"})) == ["whole", "half", "e-twin"], "a null is even with itself"
    assert list(null_candidates("e", {"less": less, "never": never}, {})) == ["less"], "half of what any null has"
    assert null_candidates("e", {"never": never}, {}) == null_candidates("e", {}, {}) == {}
