"""Paired comparisons of two explainers on the same samples. Tests and effects take the defined differences, without NaN."""

from __future__ import annotations

import numpy as np
from scipy import special

from harness.analysis.ranking import TIE_TOLERANCE, varies
from harness.results.field_types import Floats


def paired_differences(first: Floats, second: Floats) -> Floats:
    """``first - second``, NaN if either is; a difference of mere float noise is exactly 0."""
    difference = first - second
    noise = np.abs(difference) <= TIE_TOLERANCE * np.maximum(np.abs(first), np.abs(second))
    silenced: Floats = np.where(noise, 0.0, difference)
    return silenced


def drop_nan(values: Floats) -> Floats:
    """The values that are not NaN."""
    kept: Floats = values[~np.isnan(values)]
    return kept


def mean_difference(differences: Floats) -> float:
    """The mean; exactly 0 if it is mere float noise beside the differences that it is of, NaN without any."""
    if not len(differences):
        return float("nan")
    mean = float(differences.mean())
    return mean if abs(mean) > TIE_TOLERANCE * float(np.abs(differences).mean()) else 0.0


def t_test(differences: Floats) -> float:
    """Two-sided p of the paired t-test.

    1 if all are zero. NaN with fewer than two differences, and if all are the same and not zero: how much differences vary is then
    unknown, and the statistic's limit would be certainty.
    """
    n = len(differences)
    if n < 2:
        return float("nan")
    if not varies(differences):
        return 1.0 if differences[0] == 0 else float("nan")
    spread = differences.std(ddof=1)
    return float(2 * special.stdtr(n - 1, -abs(differences.mean()) / (spread / np.sqrt(n))))


def cohens_d(differences: Floats) -> float | None:
    """Paired Cohen's d_z: mean over standard deviation of the differences (Cohen 1988, 2.3.5).

    0 if all are zero; None if it has no value: fewer than two differences, or differences that do not vary.
    """
    if len(differences) < 2:
        return None
    if not varies(differences):
        return 0.0 if differences[0] == 0 else None
    return float(differences.mean() / differences.std(ddof=1))
