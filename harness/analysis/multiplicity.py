"""Adjustment of p-values for the number of tests: within a family of hypotheses that are judged together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from harness.results.data_model import Correction
from harness.results.field_types import Floats

Test = TypeVar("Test", bound=Hashable)


def holm(p: Sequence[float | None] | Floats) -> list[float]:
    """Holm's step-down adjustment of a family of p-values (Holm 1979), which bounds the probability of any false rejection.

    NaN is no member of the family and stays NaN.
    """

    def step_down(ascending: Floats) -> Floats:
        stepped: Floats = np.maximum.accumulate(ascending * (len(ascending) - np.arange(len(ascending))))
        return stepped

    return _adjust_in_order(p, step_down)


def benjamini_hochberg(p: Sequence[float | None] | Floats) -> list[float]:
    """Step-up adjustment of a family of p-values (Benjamini and Hochberg 1995), which bounds the expected share of false rejections.

    It holds for tests that are independent or positively dependent (Benjamini and Yekutieli 2001), and where no hypothesis is false it
    bounds the probability of any rejection. NaN is no member of the family and stays NaN.
    """

    def step_up(ascending: Floats) -> Floats:
        scaled = ascending * (len(ascending) / (np.arange(len(ascending)) + 1))
        stepped: Floats = np.minimum.accumulate(scaled[::-1])[::-1]
        return stepped

    return _adjust_in_order(p, step_up)


def _adjust_in_order(p: Sequence[float | None] | Floats, adjust_ascending: Callable[[Floats], Floats]) -> list[float]:
    values = np.asarray(p, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    members = np.flatnonzero(~np.isnan(values))
    order = members[np.argsort(values[members], kind="stable")]
    adjusted[order] = np.minimum(adjust_ascending(values[order]), 1.0)
    return [float(value) for value in adjusted]


METHODS: Mapping[Correction, Callable[[Sequence[float | None] | Floats], list[float]]] = {"fdr": benjamini_hochberg, "holm": holm}


def adjust(p: Sequence[float | None] | Floats, method: Correction) -> list[float]:
    """The p-values of one family, adjusted by a method of this name."""
    return METHODS[method](p)


def adjust_families(p: Mapping[Test, float | None], method: Correction, family: Callable[[Test], Hashable]) -> dict[Test, float]:
    """Every test's p-value, adjusted among those for which ``family`` gives the same."""
    families: dict[Hashable, list[Test]] = {}
    for test in p:
        families.setdefault(family(test), []).append(test)
    adjusted: dict[Test, float] = {}
    for members in families.values():
        adjusted |= zip(members, adjust([p[test] for test in members], method), strict=True)
    return {test: adjusted[test] for test in p}
