"""Standings of explainers: skill with its interval, places and how sure they are, and which explainers cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from harness.analysis.bootstrap import ResampledMeans
from harness.analysis.compact_letters import compact_letters
from harness.analysis.composed_intervals import estimate_interval
from harness.analysis.rank_confidence_sets import RankSets, rank_confidence_sets
from harness.results.data_model import Weighting
from harness.results.document import OverallEntry, Row, Skill, Standing
from harness.results.field_types import Bools, Floats

Ranked = TypeVar("Ranked", Row, OverallEntry)

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
EQUAL_DIGITS = 9  # decimals in which skills are compared: the order of a sum must not decide a place


@dataclass(frozen=True)
class Contest:
    """The numbers by which E explainers are placed.

    Attributes:
        skill: ``(E,)``; NaN for those without any.
        elsewhere: the same, the hardest null being looked for on other samples.
        size: number of samples.
        ties: ``(E,)`` by which those of equal skill are placed, more being better.
        ranks: ``(E,)`` mean ranks, by which those without skill are placed.
        real: ``(E,)`` whether an explainer takes a place: nulls do not.
    """

    skill: ResampledMeans
    elsewhere: ResampledMeans
    size: int
    ties: Floats
    ranks: Floats
    real: Bools


def estimate_skill(found: ResampledMeans, elsewhere: ResampledMeans, size: int, confidence: float) -> list[Skill]:
    """K skills with their intervals, which hold whichever null is the hardest.

    What is ``found`` against the null that is the hardest on the same samples is too little if several are about as hard, and what is
    found where that is looked for on other samples too much: the low end is that of the one, and the high end of the other.
    """
    low, high = estimate_interval(found.means, found.draws, size, confidence)
    _, higher = estimate_interval(elsewhere.means, elsewhere.draws, size, confidence)
    ends = zip(found.means, low, np.fmax(high, higher), strict=True)
    return [Skill(value=value, low=least, high=None if np.isnan(least) else greatest) for value, least, greatest in ends]


def make_standings(contest: Contest, confidence: float, skill: Sequence[Skill] | None = None) -> list[Standing]:
    """One standing for each explainer; ``skill``: with intervals that are not of samples."""
    shown = estimate_skill(contest.skill, contest.elsewhere, contest.size, confidence) if skill is None else skill
    means, draws = contest.skill.means, contest.skill.draws
    places = _places(contest)
    chosen = np.flatnonzero(contest.real & ~np.isnan(means) & ~np.isnan(draws).any(axis=0))
    sets: dict[int, tuple[int, int]] = {}
    letters: dict[int, str] = {}
    if len(chosen) > 1 and contest.size > 1:
        found: RankSets = rank_confidence_sets(means[chosen], draws[:, chosen], contest.size, confidence)
        sets = {e: (int(low), int(high)) for e, low, high in zip(chosen, found.low, found.high, strict=True)}
        order = sorted(range(len(chosen)), key=lambda k: places[chosen[k]] or 0)
        letters = _name_groups(compact_letters(order, found.differ), chosen)
    return [
        Standing(skill=estimate, place=places[e], places=sets.get(e), alike=letters.get(e, ""), rank=contest.ranks[e])
        for e, estimate in enumerate(shown)
    ]


def _places(contest: Contest) -> list[int | None]:
    """Places from 1; None for nulls, and for what has neither skill nor rank."""
    keys = {
        e: (bool(np.isnan(skill)), -round(float(np.nan_to_num(skill)), EQUAL_DIGITS), -round(float(np.nan_to_num(ties)), EQUAL_DIGITS),
            round(float(rank), EQUAL_DIGITS) if np.isnan(skill) else 0.0)
        for e, (skill, ties, rank) in enumerate(zip(contest.skill.means, contest.ties, contest.ranks, strict=True))
        if contest.real[e] and not (np.isnan(skill) and np.isnan(rank))
    }  # fmt: skip
    return [None if e not in keys else 1 + sum(other < keys[e] for other in keys.values()) for e in range(len(contest.real))]


def _name_groups(groups: Sequence[Sequence[int]], chosen: Sequence[int] | np.ndarray) -> dict[int, str]:
    """The letters of each explainer: a … z, A … Z, then dots."""
    letters = ALPHABET.ljust(len(groups), "·")
    found: dict[int, str] = {}
    for letter, members in zip(letters, groups, strict=False):
        for k in members:
            found[int(chosen[k])] = found.get(int(chosen[k]), "") + letter
    return found


def standing_order(entries: Iterable[Ranked], weighting: Weighting = "category") -> list[Ranked]:
    """Rows from the best to the worst, a null after what has the same skill; those without skill by place, then those without any."""

    def key(entry: Ranked) -> tuple[bool, float, float, bool]:
        standing = entry.standings[weighting]
        skill, place = standing.skill.value, standing.place
        return skill is None, -round(skill or 0.0, EQUAL_DIGITS), np.inf if place is None else place, not entry.complete

    return sorted(entries, key=key)
