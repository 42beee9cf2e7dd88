"""The headline of a group: how surely every explainer is better than the nulls, under the metrics that tell the truth.

Per metric and sample an explainer wins (1), ties (½) or loses (0) against the null that is the hardest for it
(`harness.analysis.skill`). Its skill under the metric is the mean over samples: ½ is no better than a null, 1 is always better. What has
no score where a null has one says no more than the null, and ties. Skill does not depend on which other explainers there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.bootstrap import nan_mean
from harness.analysis.metric_weights import MetricWeights, redundant_metrics, weigh_metrics
from harness.analysis.rank_correlation import metric_correlations
from harness.analysis.ranking import TIE_TOLERANCE
from harness.analysis.skill import null_candidates, wins_against_hardest
from harness.results.components import MetricInfo
from harness.results.data_model import Group, Results
from harness.results.field_types import Bools, Floats
from harness.results.meta_document import SeparationEntry


@dataclass(frozen=True)
class GroupSkill:
    """The showing of a group's explainers against nulls.

    Attributes:
        wins: ``(N, E, M)`` 1, ½ or 0; NaN where no null has a score.
        wins_elsewhere: the same against the null that is the hardest on the other half of the samples.
        weights: what each metric counts.
        filled: ``(N, E, M)`` the scores, undefined ones being those of the null with the best mean.
        real: ``(E,)`` whether an explainer is none of the nulls.
    """

    wins: Floats
    wins_elsewhere: Floats
    weights: MetricWeights
    filled: Floats
    real: Bools


def measure_skill(
    group: Group, results: Results, scores: Floats, folds: NDArray[np.intp], separations: Mapping[str, SeparationEntry]
) -> GroupSkill:
    """Skill out of ``scores`` (N, E, M) of samples in two ``folds`` (N,).

    ``separations``: of an oracle from the nulls by metric label, as far as they were measured.
    """
    labels = group.explainer_labels
    real = np.asarray([not results.is_null(info) for info in group.explainers], dtype=bool)
    twins = group.twins
    (wins, elsewhere), filled = np.full((2, *scores.shape), np.nan), scores.copy()
    for_all = any(label not in twins for label, none in zip(labels, ~real, strict=True) if none)
    discounted = []
    for m, metric in enumerate(group.metrics):
        nulls = {labels[e]: scores[:, e, m] for e in np.flatnonzero(~real) if not np.isnan(scores[:, e, m]).all()}
        for e, label in enumerate(labels):
            candidates = null_candidates(label, nulls, twins)
            if candidates:
                wins[:, e, m] = wins_against_hardest(scores[:, e, m], candidates, metric.sign)
                elsewhere[:, e, m] = wins_against_hardest(scores[:, e, m], candidates, metric.sign, folds)
        shared = null_candidates(None, nulls, twins)
        if shared:
            best = max(shared, key=lambda label: (metric.sign * float(nan_mean(shared[label])), label))
            filled[:, :, m] = np.where(np.isnan(scores[:, :, m]), shared[best][:, None], scores[:, :, m])
        lacking = not (shared if for_all else nulls) and not bool(real.all())
        discounted.append(_why_discounted(metric, shared, lacking, separations.get(metric.label), len(scores), results.confidence))
    return GroupSkill(wins, elsewhere, _weigh(group, results, scores[:, real], discounted), filled, real)


def _weigh(group: Group, results: Results, scores: Floats, discounted: list[str | None]) -> MetricWeights:
    """Weights, redundant metrics found by the ``scores`` (N, E, M) of what is no null; what was given a weight of its own shares none."""
    signs = np.asarray([info.sign for info in group.metrics])
    counted = [m for m, why in enumerate(discounted) if why is None and group.metrics[m].label not in results.weights]
    counted.sort(key=lambda m: group.metrics[m].label)  # of groups that are equally close, the order of the columns must not choose
    over_explainers, over_samples = metric_correlations(signs[counted] * scores[:, :, counted])
    categories = [group.metrics[m].category for m in counted]
    redundant = [[counted[k] for k in places] for places in redundant_metrics(categories, over_explainers, over_samples)]
    return weigh_metrics(group.metrics, results.weights, discounted, redundant)


def _why_discounted(
    metric: MetricInfo, nulls: Mapping[str, Floats], lacking: bool, separation: SeparationEntry | None, size: int, confidence: float
) -> str | None:
    """Why a metric does not count; None if it does."""
    if not metric.ranked:
        return "it says what a map is made of, not how good it is"
    if lacking:
        return "no null that all have to beat has scores on enough samples"
    bound = metric.bounds[1 if metric.sign > 0 else 0]
    for label, values in nulls.items():
        if bound is not None and np.nanmax(np.abs(values - bound)) <= TIE_TOLERANCE * max(abs(bound), 1.0):
            return f"{label}, a null, has the best score that there is"
    if separation is not None and not separation.separates and 0.5**size < 1 - confidence:
        return "it does not tell an oracle from the nulls"
    return None


def share_to_oracle(mean: float | None, separation: SeparationEntry | None) -> float | None:
    """The share of the way from the best null (0) to the oracle (1) that a mean score has come; None unless the metric tells them apart."""
    if mean is None or separation is None or not separation.separates or separation.oracle is None or separation.best is None:
        return None
    return (mean - separation.best) / (separation.oracle - separation.best)


def mean_metric_ranks(by_metric: Floats, weights: Floats, real: Bools) -> Floats:
    """Weighted mean rank ``(E,)`` out of the ranks ``by_metric`` (E, M); NaN for nulls, and for all if no metric that counts ranks anybody.

    What has no rank where others have one shares the last places.
    """
    ranked = ~np.isnan(by_metric)
    last = (ranked.sum(axis=0) + 1 + real.sum()) / 2
    counts = np.where(ranked.any(axis=0), weights, 0.0)
    if not counts.any():
        return np.full(len(by_metric), np.nan)
    means: Floats = np.where(ranked, by_metric, last) @ (counts / counts.sum())
    return np.where(real & ranked.any(axis=1), means, np.nan)
