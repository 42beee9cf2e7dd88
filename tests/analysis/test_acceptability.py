import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.acceptability import acceptability, first_without

FINE = np.arange(0.5, 20_000) / 20_000


def test_one_category_has_one_weighting() -> None:
    assert acceptability(np.array([[0.4], [0.9], [0.7]])).tolist() == [0, 1, 0]
    assert acceptability(np.array([[0.9], [0.9], [0.7]])).tolist() == [0.5, 0.5, 0]


def test_float_noise_is_a_tie() -> None:
    assert acceptability(np.array([[0.1 + 0.2], [0.3]])).tolist() == [0.5, 0.5]
    assert first_without(np.array([[0.1 + 0.2, 0.5], [0.3, 0.6]])) == [[1], [0, 1]]


def test_two_categories_are_exact() -> None:
    """w, 1 - w and 0.6: the third is first while w is between 0.4 and 0.6."""
    assert acceptability(np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.6]])) == pytest.approx([0.4, 0.4, 0.2], rel=1e-12)
    assert acceptability(np.array([[0.8, 0.2], [0.5, 0.3]])) == pytest.approx([0.75, 0.25], rel=1e-12), "they cross at w = 1/4"
    assert acceptability(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])) == pytest.approx([0.5, 0.5, 0.0], rel=1e-12), "a tie at one w"


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=6))
def test_two_categories_agree_with_a_fine_grid(rows: list[tuple[int, int]]) -> None:
    skill = np.array(rows) / 8
    values = np.outer(FINE, skill[:, 0]) + np.outer(1 - FINE, skill[:, 1])
    first = values > values.max(axis=1, keepdims=True) - 1e-12
    expected = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    found = acceptability(skill)
    assert found == pytest.approx(expected, abs=6 / len(FINE))
    assert found.sum() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(
    ("skill", "expected"),
    [
        (np.eye(3), [1 / 3] * 3),
        ([[1, 0, 0], [0, 0.5, 0.5]], [4 / 9, 5 / 9]),  # w > (1 - w) / 2 where w > 1/3: (2/3)²
        ([[1, 0, 0], [0.5, 0.5, 0.5]], [1 / 4, 3 / 4]),  # w > 1/2: (1/2)²
        ([[1, 0, 0, 0], [0.5] * 4], [1 / 8, 7 / 8]),  # (1/2)³
        ([[0.9, 0.8, 0.7], [0.9, 0.7, 0.7], [0.1, 0.1, 0.7]], [1, 0, 0]),  # dominated
        ([[0.9, 0.8, 0.7], [0.9, 0.8, 0.7], [0.1, 0.1, 0.7]], [0.5, 0.5, 0]),
    ],
)
def test_more_categories_agree_with_closed_forms(skill: list[list[float]], expected: list[float]) -> None:
    found = acceptability(np.array(skill, dtype=float))
    assert found == pytest.approx(expected, abs=0.015), "three standard errors of 10,000 weightings"
    assert found.sum() == pytest.approx(1, rel=1e-9)
    assert acceptability(np.array(skill, dtype=float), weightings=400_000, seed=1) == pytest.approx(expected, abs=0.0024)


@pytest.mark.parametrize("categories", [1, 2, 3])
def test_a_row_with_a_gap_is_left_out(categories: int) -> None:
    skill = np.full((3, categories), 0.5)
    skill[0], skill[1, -1] = 0.4, np.nan
    assert acceptability(skill) == pytest.approx([0, np.nan, 1], nan_ok=True)
    assert np.isnan(acceptability(np.full((2, categories), np.nan))).all()
    assert acceptability(np.empty((0, categories))).shape == (0,)


def test_without_categories_nobody_is_first() -> None:
    assert np.isnan(acceptability(np.empty((2, 0)))).all()
    assert first_without(np.empty((2, 0))) == []
    assert first_without(np.array([[0.4], [0.9]])) == [[]]


def test_the_first_without_a_category_has_the_greatest_mean_of_the_others() -> None:
    skill = np.array([[0.9, 0.5, 0.3], [0.5, 0.9, 0.4], [np.nan, 1.0, 1.0], [0.2, 0.6, 0.9]])
    assert first_without(skill) == [[3], [0], [0, 1]], "of 0.4, 0.65 and 0.75; of 0.6, 0.45 and 0.55; of 0.7, 0.7 and 0.4"


@pytest.mark.parametrize("categories", [1, 2, 3, 7])
def test_who_is_best_in_every_category_is_first_under_all_weightings(categories: int) -> None:
    skill = np.stack([np.linspace(0.7, 0.9, categories), np.linspace(0.6, 0.1, categories), np.linspace(0.1, 0.6, categories)])
    assert acceptability(skill).tolist() == [1.0, 0.0, 0.0], "exactly: a board says >99 % of what is less"
