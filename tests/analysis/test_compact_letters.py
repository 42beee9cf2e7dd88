from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.compact_letters import compact_letters


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[list[int], np.ndarray]:
    rows = draw(st.integers(0, 7))
    differ = np.zeros((rows, rows), dtype=bool)
    for i, j in combinations(range(rows), 2):
        differ[i, j] = differ[j, i] = draw(st.booleans())
    return draw(st.permutations(range(rows))), differ


def insert_and_absorb(rows: int, differ: np.ndarray) -> set[frozenset[int]]:
    """Piepho's algorithm (2004): every letter that connects two rows that differ becomes two; those inside others are absorbed."""
    letters = {frozenset(range(rows))}
    for i, j in combinations(range(rows), 2):
        if differ[i, j]:
            letters = {part for letter in letters for part in ((letter - {i}, letter - {j}) if {i, j} <= letter else (letter,))}
            letters = {letter for letter in letters if not any(letter < other for other in letters)}
    return letters


@given(comparisons())
def test_rows_share_a_letter_if_and_only_if_they_do_not_differ(found: tuple[list[int], np.ndarray]) -> None:
    order, differ = found
    letters = compact_letters(order, differ)
    for i, j in combinations(order, 2):
        assert any({i, j} <= set(letter) for letter in letters) == (not differ[i, j])
    assert set().union(*letters) == set(order), "a row that differs from all has a letter of its own"
    if order:
        assert {frozenset(letter) for letter in letters} <= insert_and_absorb(len(order), differ)


@given(comparisons())
def test_letters_follow_the_order_and_none_is_needless(found: tuple[list[int], np.ndarray]) -> None:
    order, differ = found
    letters = compact_letters(order, differ)
    places = [[order.index(row) for row in letter] for letter in letters]
    assert places == sorted(sorted(letter) for letter in places)
    for k, letter in enumerate(letters):
        others = [set(other) for place, other in enumerate(letters) if place != k]
        pairs = [{i, j} for i in letter for j in letter]
        assert any(not any(pair <= other for other in others) for pair in pairs)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=9), st.floats(0.1, 5))
def test_where_nearness_decides_letters_are_those_of_insert_and_absorb(values: list[float], width: float) -> None:
    differ = np.abs(np.subtract.outer(values, values)) > width
    order = np.argsort(values, kind="stable").tolist()
    letters = compact_letters(order, differ)
    assert {frozenset(letter) for letter in letters} == insert_and_absorb(len(values), differ)
    assert len(letters) == len({tuple(letter) for letter in letters})


def test_a_display_by_hand() -> None:
    differ = np.zeros((4, 4), dtype=bool)
    for i, j in ((0, 2), (0, 3), (1, 3)):
        differ[i, j] = differ[j, i] = True
    assert compact_letters([0, 1, 2, 3], differ) == [[0, 1], [1, 2], [2, 3]]
    assert compact_letters([3, 2, 1, 0], differ) == [[3, 2], [2, 1], [1, 0]]
    assert compact_letters([3, 0], differ) == [[3], [0]]
    assert compact_letters([], differ) == []


def test_where_maximal_sets_are_too_many_to_list_few_letters_do() -> None:
    """Twenty pairs that differ within themselves alone have 2^20 maximal sets of alike rows."""
    differ = np.kron(np.eye(20, dtype=int), 1 - np.eye(2, dtype=int)).astype(bool)
    letters = compact_letters(list(range(40)), differ)
    assert len(letters) <= 20
    for i, j in combinations(range(40), 2):
        assert any({i, j} <= set(letter) for letter in letters) == (not differ[i, j])
