"""Weights of the metrics in the headline: by its category's role, by what was chosen, and once with all those that say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from harness.results.components import MetricInfo
from harness.results.data_model import Weighting
from harness.results.field_types import Floats

WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)
REDUNDANT_FROM = 0.9
"""Rank correlation, over explainers and over samples, from which on metrics of a category say the same."""
EQUAL_DIGITS = 9  # decimals in which correlations are compared: the last bit of a sum must not decide who is close


@dataclass(frozen=True)
class MetricWeights:
    """Weights of M metrics.

    Attributes:
        discounted: why a metric does not count, or None.
        alike: labels of the metrics that it shares one weight with; empty if it stands alone.
        headline: ``(M,)`` weights of sum 1, by weighting; all 0 if no metric that tells the truth counts.
        ranking: the same, but of all metrics that count if the headline has none.
        categories: ``(M,)`` weights of sum 1 within each category that has a metric that counts.
    """

    discounted: list[str | None]
    alike: list[list[str]]
    headline: dict[Weighting, Floats]
    ranking: dict[Weighting, Floats]
    categories: dict[str, Floats]


def weigh_metrics(
    metrics: Sequence[MetricInfo], chosen: Mapping[str, float], discounted: Sequence[str | None], redundant: Sequence[Sequence[int]]
) -> MetricWeights:
    """The weights of metrics, of which some are ``discounted`` for a reason, and some of those that count are ``redundant`` (their places).

    ``chosen``: weights of categories, and of metrics within their category, by name or label. A category that nothing is said of has 1 if
    its role is truth, else 0; a metric has 1. Redundant metrics share what one of them would have.
    """
    group = {m: places for places in redundant for m in places}
    units = np.asarray([chosen.get(info.label, 1.0) / len(group.get(m, (m,))) for m, info in enumerate(metrics)], dtype=np.float64)
    units[[why is not None for why in discounted]] = 0.0
    names = dict.fromkeys(info.category for info in metrics)
    members = {name: units * np.asarray([info.category == name for info in metrics], dtype=np.float64) for name in names}
    within = {name: own / own.sum() for name, own in members.items() if own.sum() > 0}
    defaults = {info.category: float(info.role == "truth") for info in metrics}
    weights = {name: chosen.get(name, defaults[name]) for name in within}
    headline = _combine(members, within, weights)
    return MetricWeights(
        discounted=list(discounted),
        alike=[[metrics[k].label for k in group.get(m, ()) if k != m] for m in range(len(metrics))],
        headline=headline,
        ranking=headline if headline["category"].any() else _combine(members, within, dict.fromkeys(within, 1.0)),
        categories=within,
    )


def _combine(members: Mapping[str, Floats], within: Mapping[str, Floats], weights: Mapping[str, float]) -> dict[Weighting, Floats]:
    """One weight for each metric out of those of categories: shared out within, or had by every metric of it."""
    size = len(next(iter(members.values()), ()))
    found = {}
    for weighting in WEIGHTINGS:
        parts = within if weighting == "category" else members
        total = sum((weight * parts[name] for name, weight in weights.items()), start=np.zeros(size))
        found[weighting] = total / total.sum() if total.sum() > 0 else total
    return found


def redundant_metrics(categories: Sequence[str], over_explainers: Floats, over_samples: Floats) -> list[list[int]]:
    """Places of metrics, two or more, of one category that order explainers and samples alike; none is in two groups.

    Both are rank correlations ``(M, M)``, better scores counting as higher. Every pair of a group is correlated from `REDUNDANT_FROM` on
    (complete linkage, the closest first).
    """
    closeness = np.round(np.fmin(over_explainers, over_samples), EQUAL_DIGITS)
    closeness[np.isnan(over_explainers) | np.isnan(over_samples)] = -1.0
    groups = [[m] for m in range(len(categories))]

    def link(first: list[int], second: list[int]) -> float:
        return float(closeness[np.ix_(first, second)].min()) if categories[first[0]] == categories[second[0]] else -1.0

    while True:
        pairs = [(link(first, second), k, j) for j, second in enumerate(groups) for k, first in enumerate(groups[:j])]
        closest, k, j = max(pairs, key=lambda pair: pair[0], default=(-1.0, 0, 0))
        if closest < REDUNDANT_FROM:
            return [sorted(places) for places in groups if len(places) > 1]
        groups[k] += groups.pop(j)
