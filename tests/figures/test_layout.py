from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.figures.layout import GAP, MAX_WIDTH, GroupSpan, PanelPosition, columns_per_row, group_spans, panel_positions, panel_size

NAMES = st.lists(st.sampled_from([None, None, "a", "b"]), min_size=1, max_size=30)


@given(NAMES, st.integers(1, 8))
def test_cells_are_filled_in_reading_order_and_never_past_the_row(groups, per_row):
    found = panel_positions(groups, per_row)
    assert len(found) == len(groups)
    assert found == sorted(set(found))
    assert max(cell.column for cell in found) < per_row
    assert all(later.row - earlier.row <= 1 for earlier, later in pairwise(found))


@given(st.integers(0, 10), st.integers(1, 6), st.integers(0, 10))
def test_a_group_that_fits_a_row_is_not_broken(before, size, after):
    found = panel_positions([None] * before + ["triad"] * size + [None] * after, 6)
    assert len({cell.row for cell in found[before : before + size]}) == 1


def test_a_group_wider_than_a_row_goes_on_in_the_next():
    assert panel_positions([None, "a", "a", "a"], 2) == [PanelPosition(0, 0), PanelPosition(0, 1), PanelPosition(1, 0), PanelPosition(1, 1)]


@pytest.mark.parametrize(("height", "width"), [(224, 224), (180, 360), (240, 120), (32, 32), (10, 500)])
@pytest.mark.parametrize("abreast", [1, 5])
def test_a_panel_has_the_shape_of_its_image(height, width, abreast):
    wide, high = panel_size(height, width, abreast)
    assert wide / high == pytest.approx(width / height)


def test_wide_panels_shrink_to_stand_side_by_side():
    width, _ = panel_size(180, 360, abreast=5)
    assert 5 * width + 4 * GAP == pytest.approx(MAX_WIDTH)
    assert columns_per_row(5, width) == 5


def test_panels_do_not_shrink_without_need_or_to_nothing():
    assert panel_size(224, 224, abreast=5) == panel_size(224, 224)
    assert panel_size(224, 224, abreast=20) == panel_size(224, 224)


@pytest.mark.parametrize(("panels", "expected"), [(1, 1), (2, 2), (5, 5), (7, 4), (13, 5)])
def test_rows_are_filled_evenly(panels, expected):
    assert columns_per_row(panels, 2.2) == expected


def test_runs_are_the_neighbours_of_a_group_in_each_row():
    groups = [None, "a", "a", "a", "b", None, "a"]
    assert group_spans(panel_positions(groups, 3), groups) == [GroupSpan(1, 0, 2, "a"), GroupSpan(2, 0, 0, "b"), GroupSpan(2, 2, 2, "a")]
