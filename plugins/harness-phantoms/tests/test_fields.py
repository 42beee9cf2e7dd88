"""Fields, cells and curves are what SciPy and closed forms say, and a window has what the whole has there."""

from __future__ import annotations

import numpy as np
import pytest
from harness_phantoms.curves import Curves, traces
from harness_phantoms.fields import Canvas, Cells, ellipse, soft
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.special import ndtr

WHOLE = Canvas.whole(80)


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


def test_x_runs_to_the_right_and_y_up_over_pixels_middles() -> None:
    assert WHOLE.x[0, 0] == WHOLE.y[-1, 0] == -1 + 1 / 80
    assert WHOLE.x[0, -1] == WHOLE.y[0, 0] == 1 - 1 / 80


def test_noise_is_scipy_s_cubic_spline_through_the_same_numbers() -> None:
    coarse = generator().standard_normal((11, 11), dtype=np.float32)
    at = (np.arange(80) + 0.5) * 8 / 80 + 1
    expected = ndimage.map_coordinates(coarse.astype(np.float64), np.meshgrid(at, at, indexing="ij"), order=3, prefilter=False)
    np.testing.assert_allclose(WHOLE.noise(8, generator()), 1.7 * expected, atol=1e-5)


def test_noise_has_about_unit_spread() -> None:
    spread = np.std([WHOLE.noise(10, np.random.default_rng(seed)) for seed in range(40)])
    assert spread == pytest.approx(0.8, abs=0.15), "1.7 times 0.48, the root of the mean of the sums of squared weights"


def test_a_window_has_what_the_whole_has_there() -> None:
    window = WHOLE.window((0.3, -0.4), 0.35)
    part = window.rows, window.columns
    assert window.x.shape == window.y.shape == WHOLE.x[part].shape
    assert np.abs(window.x - 0.3).max() < 0.4 and np.abs(window.y + 0.4).max() < 0.4
    np.testing.assert_array_equal(window.noise(6, generator()), WHOLE.noise(6, generator())[part])
    for name in ("nearest", "next", "number"):
        ours, all_of_it = (getattr(Cells.drawn(canvas, 0.1, generator()), name) for canvas in (window, WHOLE))
        np.testing.assert_array_equal(ours, all_of_it[part])
    curves = Curves.drawn(np.array([[0.2, -0.5]]), np.array([0.8]), np.array([0.3]), generator(), 0.3, 0.1)
    np.testing.assert_allclose(traces(window, curves, (1, 0.5), 0.03), traces(WHOLE, curves, (1, 0.5), 0.03)[part], atol=1e-6)


def test_a_window_ends_with_the_image() -> None:
    window = WHOLE.window((0.9, 0.9), 0.5)
    assert (window.rows.start, window.columns.stop) == (0, 80)


def test_cells_have_the_distances_of_a_tree_of_the_same_points() -> None:
    spacing, draws = 0.125, generator()
    count = int(2 / spacing) + 5
    offsets = draws.random((2, count, count), dtype=np.float32) * np.float32(0.8) + np.float32(0.1)
    rows, columns = np.mgrid[:count, :count]
    points = np.stack([columns + offsets[1] - 2, rows + offsets[0] - 2], axis=-1).reshape(-1, 2) * spacing + [-1, -1]
    cells = Cells.drawn(WHOLE, spacing, generator())
    distances, which = cKDTree(points).query(np.stack([WHOLE.x, -WHOLE.y], axis=-1), k=2)
    np.testing.assert_allclose(cells.nearest, distances[..., 0], atol=1e-5)
    np.testing.assert_array_equal(cells.number, draws.random((count, count), dtype=np.float32).ravel()[which[..., 0]])
    near = distances[..., 1] < 0.1 * 1.1
    assert near.mean() > 0.5
    np.testing.assert_allclose(cells.next[near], distances[..., 1][near], atol=1e-5)


def test_a_step_is_exact_beyond_its_width_and_even_about_the_middle() -> None:
    signed = np.linspace(-0.2, 0.2, 401, dtype=np.float32)
    step = soft(signed, 0.1)
    assert (step[signed < -0.1001] == 0).all() and (step[signed > 0.1001] == 1).all()
    np.testing.assert_allclose(step + step[::-1], 1, atol=1e-6)
    assert (np.diff(step) >= 0).all() and step[200] == 0.5


def test_an_ellipse_is_negative_inside() -> None:
    turn = 0.7
    along = (WHOLE.x - 0.1) * np.cos(turn) + (WHOLE.y + 0.2) * np.sin(turn)
    across = (WHOLE.y + 0.2) * np.cos(turn) - (WHOLE.x - 0.1) * np.sin(turn)
    inside = (along / 0.5) ** 2 + (across / 0.2) ** 2 < 1
    np.testing.assert_array_equal(ellipse(WHOLE.x, WHOLE.y, (0.1, -0.2), (0.5, 0.2), turn) < 0, inside)
    circle = ellipse(WHOLE.x, WHOLE.y, (0, 0), (0.4, 0.4))
    np.testing.assert_allclose(circle, np.hypot(WHOLE.x, WHOLE.y) - 0.4, atol=1e-6)


@pytest.mark.parametrize("pixels", [96, 300])
def test_a_straight_curve_leaves_a_gaussian_of_its_weight(pixels: int) -> None:
    canvas, sigma = Canvas.whole(pixels), 0.05
    curves = Curves.drawn(np.array([[-0.6, 0.1]]), np.array([0.0]), np.array([1.2]), generator(), 0, 0)
    found = traces(canvas, curves, (0.7, 0.7), sigma)
    middle = np.abs(canvas.x) < 0.3
    np.testing.assert_allclose(found[middle], 0.7 * np.exp(-0.5 * ((canvas.y[middle] - 0.1) / sigma) ** 2), atol=0.02)
    ends = 0.7 * (ndtr((canvas.x[0] + 0.6) / sigma) - ndtr((canvas.x[0] - 0.6) / sigma))
    row = np.abs(canvas.y[:, 0] - 0.1).argmin()
    np.testing.assert_allclose(found[row], ends, atol=0.03)


def test_curves_are_as_long_as_they_are_said_to_be_and_branches_begin_on_them() -> None:
    lengths = np.array([0.3, 0.8])
    stems = Curves.drawn(np.zeros((2, 2)), np.array([0.0, 2.0]), lengths, generator(), 0.5, 0.3)
    steps = np.linalg.norm(np.diff(stems.places, axis=1), axis=-1)
    np.testing.assert_allclose(steps.sum(axis=1), lengths)
    twigs = stems.branched(3, lengths, generator(), 0.8, 0.2, 0.1)
    assert twigs.places.shape == (6, 12, 2)
    for twig, parent in zip(twigs.places, [0, 0, 0, 1, 1, 1], strict=True):
        assert np.linalg.norm(stems.places[parent] - twig[0], axis=-1).min() < 1e-12
    np.testing.assert_array_equal(twigs.places[[2, 5], 0], stems.places[:, -1])
