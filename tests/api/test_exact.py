"""Functions that give the same bits on every machine are what NumPy's and SciPy's are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from harness.api import exact

GENERATOR = np.random.default_rng(0)
ANGLES = GENERATOR.uniform(-100, 100, 4096)
POINTS = np.concatenate([GENERATOR.normal(size=(4096, 2)), [[0, 1], [0, -1], [1, 0], [-1, 0], [0, 0], [1, 1], [-1, -1]]])
POSITIVE = 10.0 ** GENERATOR.uniform(-12, 12, 4096)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (exact.sin(ANGLES), np.sin(ANGLES)),
        (exact.cos(ANGLES), np.cos(ANGLES)),
        (exact.arctan2(POINTS[:, 1], POINTS[:, 0]), np.arctan2(POINTS[:, 1], POINTS[:, 0])),
        (exact.hypot(POINTS[:, 1], POINTS[:, 0]), np.hypot(POINTS[:, 1], POINTS[:, 0])),
        (exact.exp(ANGLES / 10), np.exp(ANGLES / 10)),
        (exact.log(POSITIVE), np.log(POSITIVE)),
        (exact.power(POSITIVE, -1 / 2.2), POSITIVE ** (-1 / 2.2)),
        (exact.power(np.array([0.0, 0.25]), 2.2), np.array([0.0, 0.25**2.2])),
    ],
    ids=["sin", "cos", "arctan2", "hypot", "exp", "log", "power", "power of 0"],
)
def test_functions_are_numpy_s(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("sigma", [0.35, 0.75, 2.0])
def test_the_gaussian_filter_is_scipy_s(sigma: float) -> None:
    image = GENERATOR.random((40, 33))
    np.testing.assert_allclose(exact.gaussian_filter(image, sigma), ndimage.gaussian_filter(image, sigma), atol=1e-14)
