"""The difference of two levels of one explainer under one metric, and its test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.analysis.bootstrap import nan_mean
from harness.analysis.composed_intervals import REPLICATES_FROM
from harness.analysis.confidence_intervals import ScoreScale, mean_intervals
from harness.analysis.crossed_test import (
    MeanVariance,
    add_variances,
    crossed_variance,
    t_interval,
    t_probability,
    variance_over_models,
    variance_over_samples,
)
from harness.analysis.explainer_comparisons import compare_explainers
from harness.analysis.paired_tests import paired_differences
from harness.results.document import Versus
from harness.results.field_types import Floats
from harness.results.levels_document import LevelComparison


@dataclass(frozen=True)
class UnitScores:
    """Scores of one explainer at one level under one metric.

    Attributes:
        values: ``(U, N)`` of its U models on N samples, NaN where there is none; no model is without any.
        models: their names, with the data set's.
        families: ``(U,)`` equal for models that differ in a training seed alone.
    """

    values: Floats
    models: Sequence[tuple[str, str]]
    families: NDArray[np.intp]

    @property
    def averaged(self) -> Floats:
        """``(N,)`` the mean over models, sample by sample."""
        return nan_mean(self.values)

    @property
    def replicated(self) -> bool:
        """Whether every model has replicates enough to know how training seeds vary."""
        return int(np.bincount(self.families).min()) >= REPLICATES_FROM

    def spread(self) -> MeanVariance:
        """The variance of the mean over models and samples, were seeds and samples others."""
        return crossed_variance(self.values, self.families)


def compare_unit_scores(levels: Mapping[str, UnitScores], scale: ScoreScale, confidence: float) -> list[LevelComparison]:
    """Every two levels that share samples, the later minus the earlier; not adjusted, and without verdicts.

    Where both have replicates enough of every model, seeds and samples vary (`crossed_test`); else samples alone, replicates being
    averaged sample by sample (Wilcoxon). Models are matched if both levels are of the same. ``scale``: of one
    column of scores.
    """
    averaged = {name: scores.averaged for name, scores in levels.items()}
    pairs = [(first, second, paired_differences(averaged[second], averaged[first])) for first, second in combinations(levels, 2)]
    pairs = [pair for pair in pairs if not np.isnan(pair[2]).all()]
    if not pairs:
        return []
    columns = np.stack([differences for *_, differences in pairs], axis=1)
    scale = scale.of_differences().columns([0] * len(pairs))
    intervals = mean_intervals(columns, scale, confidence)
    versus = compare_explainers(columns, list(map(str, range(len(pairs)))), intervals).values()
    return [
        _comparison(first, second, levels, differences, found, (float(scale.lowest[k]), float(scale.highest[k])), confidence)
        for k, ((first, second, differences), found) in enumerate(zip(pairs, versus, strict=True))
    ]


def match_models(first: UnitScores, second: UnitScores) -> list[int] | None:
    """Places among the models of the ``second`` of those of the ``first``; None unless they are the same."""
    places = {name: k for k, name in enumerate(second.models)}
    return [places[name] for name in first.models] if set(first.models) == set(places) else None


def _comparison(
    first: str,
    second: str,
    levels: Mapping[str, UnitScores],
    differences: Floats,
    versus: Versus,
    bounds: tuple[float, float],
    confidence: float,
) -> LevelComparison:
    before, after = levels[first], levels[second]
    order = match_models(before, after)
    shared = {"first": first, "second": second, "difference": versus.difference, "effect": versus.effect, "pairs": versus.pairs}
    if versus.pairs < 2 or not (before.replicated and after.replicated):
        alone = {"low": versus.low, "high": versus.high, "p": versus.p_wilcoxon}
        return LevelComparison(**shared, **alone, test="samples", matched=order is not None)
    if order is not None:
        spread = UnitScores(paired_differences(after.values[order], before.values), before.models, before.families).spread()
    else:
        parts = [variance_over_models(side.values, side.families) for side in (before, after)]
        spread = add_variances([variance_over_samples(differences[None]), *parts])
    low, high = t_interval(versus.difference or 0.0, spread, confidence)
    crossed = {"low": max(low, bounds[0]), "high": min(high, bounds[1]), "p": t_probability(versus.difference or 0.0, spread)}
    return LevelComparison(**shared, **crossed, test="models", matched=order is not None)
