"""Classes in another order are noticed, and chance is not taken for it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.analysis.class_order import class_order_hint, correct_after_exchange


def balanced(classes: int, each: int) -> np.ndarray:
    """One of each class in turn, as datasets give them."""
    return np.tile(np.arange(classes), each)


def test_folders_in_the_order_of_text_are_noticed() -> None:
    labels = balanced(12, 4)
    by_text = np.array(sorted(map(str, range(12))), dtype=int)
    assert correct_after_exchange(labels, by_text[labels]).all()
    said = class_order_hint(labels, by_text[labels], 12)
    assert said is not None and "accuracy is 17 %, and would be 100 %" in said and "class_map" in said


def test_an_exchange_among_many_errors_is_noticed() -> None:
    rng = np.random.default_rng(0)
    labels = balanced(5, 40)
    noisy = np.where(rng.random(200) < 0.7, (labels + 1) % 5, rng.integers(0, 5, 200))
    assert correct_after_exchange(labels, noisy).mean() == pytest.approx(np.mean((labels + 1) % 5 == noisy))
    assert "exchanged" in (class_order_hint(labels, noisy, 5) or "")


@pytest.mark.parametrize("seed", range(20))
def test_noise_and_a_good_model_are_no_other_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = balanced(10, 3)
    assert class_order_hint(labels, rng.integers(0, 10, 30), 10) is None
    assert class_order_hint(labels, np.where(rng.random(30) < 0.6, labels, rng.integers(0, 10, 30)), 10) is None
    assert class_order_hint(labels, labels, 10) is None


def test_worse_than_chance_without_an_order_is_said() -> None:
    labels = balanced(2, 60)
    labels[:] = 0
    assert "exchanged" in (class_order_hint(labels, np.ones(120, dtype=np.int64), 2) or "")
    rng = np.random.default_rng(1)
    labels = balanced(10, 30)
    never = (labels + rng.integers(1, 10, 300)) % 10
    assert "below chance (10.0 %)" in (class_order_hint(labels, never, 10) or "")


def test_many_classes_of_which_few_are_there_cost_little() -> None:
    labels = balanced(3, 10)
    assert correct_after_exchange(labels * 90_000, ((labels + 1) % 3) * 90_000).all()


def test_a_class_that_nothing_speaks_for_stays() -> None:
    """The half that holds one sample of each class leaves open whether 0 or 3 is called 3; the other has class 0 alone, called 0."""
    assert correct_after_exchange(np.array([0, 0, 3]), np.array([3, 0, 3])).tolist() == [False, True, True]


def test_nothing_is_said_of_nothing() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert class_order_hint(empty, empty, 3) is None


@pytest.mark.parametrize("size", [3, 8, 20])
def test_guesses_on_few_samples_are_seldom_another_order(size: int) -> None:
    rng = np.random.default_rng(0)
    draws = [(rng.integers(0, 3, size), rng.integers(0, 3, size if k % 2 else 1) + np.zeros(size, dtype=int)) for k in range(200)]
    assert np.mean([class_order_hint(labels, predicted, 3) is not None for labels, predicted in draws]) <= 0.01


def test_ten_samples_are_enough() -> None:
    labels = balanced(2, 5)
    assert "exchanged" in (class_order_hint(labels, 1 - labels, 2) or "")
