"""Functions of arrays that give the same bits on every machine.

What NumPy computes for ``sin``, ``exp`` or a matrix product depends in its last bits on the processor, on the library behind it and on
the number of threads. These are made of the four operations, the square root and sums in a written order, of which IEEE 754 defines
every bit. All are of float64, and right to 13 digits on the ranges that they are for.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Floats = NDArray[np.float64]

_QUARTER, _QUARTER_REST = np.pi / 2, 6.123233995736766e-17  # π/2, and what a float64 leaves of it
_LN2, _LN2_REST = 0.6931471805599453, 2.3190468138462996e-17
_SINE = [(-1) ** k / factorial(2 * k + 1) for k in range(10)]
_COSINE = [(-1) ** k / factorial(2 * k) for k in range(11)]
_EXPONENTIAL = [1 / factorial(k) for k in range(16)]
_ARCTANGENT = [(-1) ** k / (2 * k + 1) for k in range(14)]
_AREA_TANGENT = [2 / (2 * k + 1) for k in range(12)]
TRUNCATE = 4.0  # standard deviations, as `scipy.ndimage.gaussian_filter` has it


def sin(angle: ArrayLike) -> Floats:
    """Sine of angles (radians) up to some hundred."""
    return sin_cos(angle)[0]


def cos(angle: ArrayLike) -> Floats:
    """Cosine of angles (radians) up to some hundred."""
    return sin_cos(angle)[1]


def sin_cos(angle: ArrayLike) -> tuple[Floats, Floats]:
    """Sine and cosine of angles (radians) up to some hundred, in the time of either."""
    sine, cosine, quadrant = _quarter_waves(angle)
    return _shifted(sine, cosine, quadrant), _shifted(sine, cosine, (quadrant + 1) % 4)


def hypot(x: ArrayLike, y: ArrayLike) -> Floats:
    """√(x² + y²), of values whose squares are float64 numbers."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return np.asarray(np.sqrt(x * x + y * y))


def arctan2(y: ArrayLike, x: ArrayLike) -> Floats:
    """The angle of points in (-π, π]; 0 at the origin."""
    y, x = np.broadcast_arrays(np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64))
    longer, shorter = np.maximum(np.abs(x), np.abs(y)), np.minimum(np.abs(x), np.abs(y))
    ratio = shorter / np.where(longer == 0, 1, longer)
    for _ in range(2):  # tan(α / 2) of tan α
        ratio = ratio / (1 + np.sqrt(1 + ratio * ratio))
    angle = 4 * ratio * _polynomial(_ARCTANGENT, ratio * ratio)
    angle = np.where(np.abs(y) > np.abs(x), _QUARTER - angle, angle)
    angle = np.where(x < 0, np.pi - angle, angle)
    return np.where(y < 0, -angle, angle)


def exp(power: ArrayLike) -> Floats:
    """e to powers from -700 to 700."""
    power = np.asarray(power, dtype=np.float64)
    doublings = np.rint(power / _LN2)
    rest = (power - doublings * _LN2) - doublings * _LN2_REST
    return np.ldexp(_polynomial(_EXPONENTIAL, rest), doublings.astype(np.int32))


def log(value: ArrayLike) -> Floats:
    """Natural logarithm of values above 0."""
    fraction, doublings = np.frexp(np.asarray(value, dtype=np.float64))
    low = fraction < np.sqrt(0.5)
    fraction, doublings = np.where(low, 2 * fraction, fraction), doublings - low
    share = (fraction - 1) / (fraction + 1)
    return np.asarray(doublings * _LN2 + (share * _polynomial(_AREA_TANGENT, share * share) + doublings * _LN2_REST))


def power(value: ArrayLike, exponent: float) -> Floats:
    """Values from 0 on to a power that is no integer; 0 stays 0 under a positive one."""
    value = np.asarray(value, dtype=np.float64)
    return np.where(value == 0, 0.0, exp(exponent * log(np.where(value == 0, 1.0, value))))


def gaussian_filter(image: NDArray[np.floating], sigma: float) -> NDArray[np.floating]:
    """As `scipy.ndimage.gaussian_filter`, which takes its weights from NumPy's ``exp``; of the image's type."""
    if sigma <= 0:
        return image
    weights = _gaussian_weights(sigma)
    for axis in range(image.ndim):
        image = ndimage.correlate1d(image, weights, axis=axis)
    return image


@lru_cache(maxsize=64)
def _gaussian_weights(sigma: float) -> Floats:
    """The Gaussian at whole offsets up to `TRUNCATE` standard deviations, of sum 1."""
    reach = int(TRUNCATE * sigma + 0.5)
    weights = exp([-0.5 * (offset / sigma) * (offset / sigma) for offset in range(-reach, reach + 1)])
    return np.asarray(weights / sum(weights.tolist()))


def _quarter_waves(angle: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Of angles the sine and cosine of what is left to the next quarter of a turn, and which of the four that is."""
    angle = np.asarray(angle, dtype=np.float64)
    turns = np.rint(angle / _QUARTER)
    rest = (angle - turns * _QUARTER) - turns * _QUARTER_REST
    square = rest * rest
    return rest * _polynomial(_SINE, square), _polynomial(_COSINE, square), turns % 4


def _shifted(sine: Floats, cosine: Floats, quadrant: Floats) -> Floats:
    """The sine of the whole angle."""
    return np.asarray(np.where(quadrant % 2 == 0, sine, cosine) * np.where(quadrant < 2, 1.0, -1.0))


def _polynomial(coefficients: list[float], x: Floats) -> Floats:
    """Σ cₖ xᵏ by Horner's scheme."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total *= x
        total += coefficient
    return total
