"""Paired comparisons of two explainers on the same samples. Tests and effects take the defined differences, without NaN."""

from __future__ import annotations

from collections.abc import Sequence

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


def holm(p: Sequence[float | None] | Floats) -> list[float]:
    """Holm's step-down adjustment of a family of p-values (Holm 1979); NaN is no member of the family and stays NaN."""
    values = np.asarray(p, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    members = np.flatnonzero(~np.isnan(values))
    order = members[np.argsort(values[members], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return [float(value) for value in adjusted]


def cohens_d(differences: Floats) -> float | None:
    """Paired Cohen's d_z: mean over standard deviation of the differences (Cohen 1988, 2.3.5).

    0 if all are zero; None if it has no value: fewer than two differences, or differences that do not vary.
    """
    if len(differences) < 2:
        return None
    if not varies(differences):
        return 0.0 if differences[0] == 0 else None
    return float(differences.mean() / differences.std(ddof=1))
