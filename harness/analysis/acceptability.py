"""Acceptability: how far the first place hangs on what categories weigh (SMAA; Lahdelma, Hokkanen, Salminen 1998, EJOR 106:137-143)."""

from __future__ import annotations

import numpy as np

from harness.analysis.ranking import TIE_TOLERANCE
from harness.results.field_types import Bools, Floats


def acceptability(skill: Floats, weightings: int = 10_000, seed: int = 0) -> Floats:
    """Share ``(E,)`` of all weightings of the C categories of ``skill`` (E, C) under which each explainer is first; ties are shared.

    Weights are uniform on the simplex. Exact for two categories or fewer, else over so many ``weightings`` drawn at random (a standard
    error of at most half a percent). An explainer with a NaN is left out, and has NaN; so have all if there is no category.
    """
    shares = np.full(len(skill), np.nan)
    kept = ~np.isnan(skill).any(axis=1)
    categories = skill.shape[1]
    if categories == 0 or not kept.any():
        return shares
    if categories <= 2:
        weights, measure = _stretches(skill[kept])
    else:
        weights = np.random.default_rng(seed).dirichlet(np.ones(categories), weightings)
        measure = np.ones(weightings)
    first = _first(weights @ skill[kept].T)
    shares[kept] = measure @ (first / first.sum(axis=1, keepdims=True)) / measure.sum()
    return shares


def first_without(skill: Floats) -> list[list[int]]:
    """Rows of ``skill`` (E, C) that are first under equal weights without one category, for each of these; several if they tie.

    A row with a NaN is left out. Without the only category, nobody is first.
    """
    kept = np.flatnonzero(~np.isnan(skill).any(axis=1))
    categories = skill.shape[1]
    if categories < 2 or not len(kept):
        return [[] for _ in range(categories)]
    weights = (1 - np.eye(categories)) / (categories - 1)
    return [kept[first].tolist() for first in _first(weights @ skill[kept].T)]


def _first(values: Floats) -> Bools:
    """Which of the columns of ``values`` (W, E) is the greatest of its row, or ties with it."""
    greatest = values.max(axis=1, keepdims=True)
    return np.asarray(values >= greatest - TIE_TOLERANCE * np.abs(greatest))


def _stretches(skill: Floats) -> tuple[Floats, Floats]:
    """Weights ``(W, C)`` of up to two categories amid stretches in which the order stays, and how long each is, 1 in all."""
    if skill.shape[1] == 1:
        return np.ones((1, 1)), np.ones(1)
    one, two = skill.T[:, :, None] - skill.T[:, None, :]  # w one + (1 - w) two is 0 where two explainers cross
    crossings = np.divide(two, two - one, out=np.zeros_like(one), where=one * two < 0)
    ends = np.unique(np.concatenate([crossings.ravel(), [0.0, 1.0]]))
    middles = (ends[1:] + ends[:-1]) / 2
    return np.stack([middles, 1 - middles], axis=1), np.diff(ends)
