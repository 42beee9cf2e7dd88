"""Standings of explainers: skill with its interval, places and how sure they are, and which explainers cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from harness.analysis.bootstrap import ResampledMeans
from harness.analysis.compact_letters import compact_letters, name_letters
from harness.analysis.composed_intervals import estimate_interval
from harness.analysis.rank_confidence_sets import RankSets, rank_confidence_sets
from harness.analysis.ranking import rank_scores
from harness.results.data_model import Weighting
from harness.results.document import OverallEntry, Row, Skill, Standing
from harness.results.field_types import Bools, Floats

Ranked = TypeVar("Ranked", Row, OverallEntry)

SHOWN_DIGITS = 12  # decimals of a skill: the order of a sum must not lift one over 1, nor a null over a half


@dataclass(frozen=True)
class Contest:
    """The numbers by which E explainers are placed.

    Attributes:
        skill: ``(E,)``; NaN for those without any.
        elsewhere: the same, the hardest null being looked for on other samples.
        size: number of samples, of all or ``(E,)`` of each.
        ties: ``(E,)`` by which those of equal skill are placed, more being better.
        ranks: ``(E,)`` mean ranks, by which those without skill are placed.
        real: ``(E,)`` whether an explainer takes a place: nulls do not.
    """

    skill: ResampledMeans
    elsewhere: ResampledMeans
    size: float | Floats
    ties: Floats
    ranks: Floats
    real: Bools


def estimate_skill(found: ResampledMeans, elsewhere: ResampledMeans, size: float | Floats, confidence: float) -> list[Skill]:
    """K skills with their intervals, which hold whichever null is the hardest.

    What is ``found`` against the null that is the hardest on the same samples is too little if several are about as hard, and what is
    found where that is looked for on other samples too much: the low end is that of the one, and the high end of the other.
    """
    low, high = estimate_interval(found.means, found.draws, size, confidence)
    _, higher = estimate_interval(elsewhere.means, elsewhere.draws, size, confidence)
    ends = zip(np.round(found.means, SHOWN_DIGITS), low, np.fmax(high, higher), strict=True)
    return [Skill(value=value, low=least, high=None if np.isnan(least) else greatest) for value, least, greatest in ends]


def make_standings(contest: Contest, confidence: float, skill: Sequence[Skill] | None = None) -> list[Standing]:
    """One standing for each explainer; ``skill``: with intervals that are not of samples."""
    shown = estimate_skill(contest.skill, contest.elsewhere, contest.size, confidence) if skill is None else skill
    means, draws = contest.skill.means, contest.skill.draws
    places = _places(contest)
    chosen = np.flatnonzero(contest.real & ~np.isnan(means) & ~np.isnan(draws).any(axis=0))
    sets: dict[int, tuple[int, int]] = {}
    letters: dict[int, str] = {}
    sizes = np.broadcast_to(np.asarray(contest.size, dtype=np.float64), means.shape)
    if len(chosen) > 1 and sizes[chosen].max() > 1:
        upper, drawn = contest.elsewhere.means, contest.elsewhere.draws
        more = upper > means  # of a whole sample it never is less, but where some samples have no null
        greater = np.where(more, upper, means)[chosen], np.where(more, drawn, draws)[:, chosen]
        found: RankSets = rank_confidence_sets(means[chosen], draws[:, chosen], sizes[chosen], confidence, greater)
        sets = {e: (int(low), int(high)) for e, low, high in zip(chosen, found.low, found.high, strict=True)}
        order = sorted(range(len(chosen)), key=lambda k: places[chosen[k]] or 0)
        letters = name_letters(compact_letters(order, found.differ), chosen)
    return [
        Standing(skill=estimate, place=places[e], places=sets.get(e), alike=letters.get(e, ""), rank=contest.ranks[e])
        for e, estimate in enumerate(shown)
    ]


def _places(contest: Contest) -> list[int | None]:
    """Places from 1; None for nulls, and for what has neither skill nor rank."""
    means = contest.skill.means
    unknown = np.isnan(means)
    orders = unknown, rank_scores(means), rank_scores(np.nan_to_num(contest.ties)), np.where(unknown, rank_scores(contest.ranks, -1), 0.0)
    keys = {
        e: tuple(float(np.nan_to_num(order[e])) for order in orders)
        for e in range(len(means))
        if contest.real[e] and not (unknown[e] and np.isnan(contest.ranks[e]))
    }
    return [None if e not in keys else 1 + sum(other < keys[e] for other in keys.values()) for e in range(len(means))]


def standing_order(entries: Iterable[Ranked], weighting: Weighting = "category") -> list[Ranked]:
    """Rows from the best to the worst, a null after what has the same skill; those without skill by place, then those without any."""

    listed = list(entries)
    skills = np.asarray([entry.standings[weighting].skill.value for entry in listed], dtype=np.float64)
    order = np.nan_to_num(rank_scores(skills), nan=np.inf)

    def key(k: int) -> tuple[float, float, bool]:
        place = listed[k].standings[weighting].place
        return float(order[k]), np.inf if place is None else place, not listed[k].complete

    return [listed[k] for k in sorted(range(len(listed)), key=key)]
