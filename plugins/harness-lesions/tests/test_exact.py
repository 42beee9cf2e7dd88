"""Lesion images are the same to the last bit whatever computes them, and the functions behind that are what NumPy's and SciPy's are."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from harness_lesions import exact
from scipy import ndimage

ELSEWHERE = {
    "one thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    "two threads": {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
    "other kernels": {
        "OPENBLAS_CORETYPE": "Prescott",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ATEN_CPU_CAPABILITY": "default",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable",
        "NPY_DISABLE_CPU_FEATURES": "{found}",
    },
}
PRINTING = """
import hashlib
from harness_lesions.data import lesions
from harness_lesions.tumours import tumours
whole = hashlib.sha256()
for options in ({"samples": 12}, {"split": "train", "seed": 3}, {"size": 160, "scale": 1.5}, {"size": 270, "scale": 2.0}):
    data = lesions(**options)
    for index in range(min(len(data), 12 if "size" not in options else 2)):
        sample = data[index]
        whole.update(sample.image.numpy().tobytes() + sample.mask.numpy().tobytes())
for data in (tumours(samples=8), tumours(samples=4, size=200)):
    for index in range(len(data)):
        sample = data[index]
        whole.update(sample.image.numpy().tobytes() + sample.mask.numpy().tobytes())
print(whole.hexdigest())
"""


def printed(surroundings: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", PRINTING], env={**os.environ, **surroundings}, capture_output=True, text=True, check=True)
    return done.stdout


def features() -> str:
    """The optional instruction sets that NumPy has found here, which it can be told to do without."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))


@pytest.mark.slow
def test_images_are_the_same_bits_on_any_number_of_threads_and_any_kernel() -> None:
    found = {name: printed({key: value.format(found=features()) for key, value in said.items()}) for name, said in ELSEWHERE.items()}
    assert len(set(found.values())) == 1, found


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
