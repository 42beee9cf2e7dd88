"""Levels of swept factors against each other: how scores are spread at each, and which levels differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.box_summary import summarise_box
from harness.analysis.compact_letters import compact_letters, name_letters
from harness.analysis.confidence_intervals import ScoreScale, mean_intervals
from harness.analysis.crossed_test import t_interval
from harness.analysis.explainer_comparisons import judge_difference
from harness.analysis.factors import FactorError, find_factors
from harness.analysis.level_scores import SKILL, LevelTable
from harness.analysis.level_tests import UnitScores, compare_unit_scores
from harness.analysis.level_units import Level, LevelSet, common_samples, hold_accuracy_equal, make_level_sets
from harness.analysis.multiplicity import adjust_families
from harness.results.components import MetricInfo
from harness.results.data_model import Results
from harness.results.document import GroupEntry, Versus
from harness.results.levels_document import LevelComparison, LevelEntry, LevelModel, LevelScores, LevelsEntry, LevelsMetric, LevelsRow
from harness.text_format import to_printable_line


def compare_levels(
    results: Results,
    groups: Sequence[GroupEntry],
    by: Sequence[str],
    *,
    equal_accuracy: bool = False,
    accuracy: float | None = None,
    count: int | None = None,
) -> list[LevelsEntry]:
    """The levels of the factors ``by`` against each other, on each data set, or across them where the factors are theirs.

    Args:
        groups: the entries of the document, for the weights of the headline.
        by: names of what was swept in models, datasets or explainers; ``model`` and ``dataset`` too.
        equal_accuracy: only the models of each level whose accuracy is the nearest to a common value.
        accuracy: that value; where it is None the one that takes the least.
        count: how many models each level keeps; a third of those of the smallest level where it is None.

    Raises:
        FactorError: for unknown factors, and where there are no two levels, no scores, or no models to choose from.
    """
    factors = find_factors(results, by)
    sets = make_level_sets(results, factors)
    if equal_accuracy:
        sets = [hold_accuracy_equal(found, accuracy, count) for found in sets]
    return [_compare_set(found, results, groups, [factor.name for factor in factors]) for found in sets]


class _Measured(NamedTuple):
    """One metric: the scores of every explainer at every level, and what is possible of them."""

    info: MetricInfo
    scores: Mapping[str, Mapping[str, UnitScores]]
    scale: ScoreScale


def _compare_set(found: LevelSet, results: Results, groups: Sequence[GroupEntry], by: list[str]) -> LevelsEntry:
    samples = common_samples(found, results)
    if not samples:
        raise FactorError(_explain_no_sample(found))
    table = LevelTable(found, samples, results)
    gathered = [(SKILL, table.skill(groups)), *((info, table.scores(info.label)) for info in table.metrics())]
    measured = [_measure(info, found, scores) for info, scores in gathered if scores]
    compared = {
        (number, explainer, k): comparison
        for number, metric in enumerate(measured)
        for explainer, levels in metric.scores.items()
        for k, comparison in enumerate(compare_unit_scores(levels, metric.scale, results.confidence))
    }
    whole = results.correction == "fdr"
    adjusted = adjust_families({key: one.p for key, one in compared.items()}, results.correction, lambda key: None if whole else key[0])
    judged: dict[tuple[int, str], list[LevelComparison]] = {}
    for (number, explainer, k), comparison in compared.items():
        p = adjusted[number, explainer, k]
        verdict = _judge(comparison, p, measured[number].info.sign, results.confidence)
        judged.setdefault((number, explainer), []).append(LevelComparison(**{**vars(comparison), "p_adjusted": p, "verdict": verdict}))
    nulls = {unit.explainer for unit in found.units if results.is_null(unit.row)}
    return LevelsEntry(
        dataset=found.dataset,
        by=by,
        levels=[LevelEntry(name=level_name(level), values=list(level), models=_models(found, level)) for level in found.levels],
        samples=len(samples),
        samples_total=len({key for group in found.groups() for key in zip(group.samples, group.digests, strict=True)}),
        equal_accuracy=found.accuracy,
        left_out=list(found.left_out),
        metrics=[
            LevelsMetric(
                label=metric.info.label,
                direction=metric.info.direction,
                skill=metric.info is SKILL,
                rows=[
                    _row(explainer, explainer in nulls, metric, judged.get((number, explainer), []), results.confidence)
                    for explainer in metric.scores
                ],
            )
            for number, metric in enumerate(measured)
        ],
    )


def level_name(level: Level) -> str:
    """The values of a level as one text."""
    return ", ".join(level)


def _measure(info: MetricInfo, found: LevelSet, scores: Mapping[str, Mapping[Level, UnitScores]]) -> _Measured:
    """Explainers in the spec's order, levels in that of the sweep."""
    ordered = {
        explainer: {level_name(level): scores[explainer][level] for level in found.levels if level in scores[explainer]}
        for explainer in found.explainers
        if explainer in scores
    }
    values = np.concatenate([unit.values.ravel() for levels in ordered.values() for unit in levels.values()])
    scale = ScoreScale.of_metrics([info], values[:, None])
    if info is SKILL:  # of each row by itself: a null's halves must not decide whether others only win and lose
        scale = replace(scale, proportions=np.ones(1, dtype=bool))
    return _Measured(info, ordered, scale)


def _judge(comparison: LevelComparison, p: float, sign: float, confidence: float) -> str | None:
    """What a comparison shows if its adjusted p-value is ``p``; a test over models speaks of means alone, and is never mixed."""
    effect = comparison.effect if comparison.test == "samples" else comparison.difference
    return judge_difference(Versus(difference=comparison.difference, effect=effect, p_ttest=None, p_wilcoxon=None), p, sign, confidence)


def _row(explainer: str, null: bool, metric: _Measured, comparisons: list[LevelComparison], confidence: float) -> LevelsRow:
    levels = metric.scores[explainer]
    letters = _letters(list(levels), comparisons)
    scores = {name: _level_scores(unit, metric.scale, letters.get(name, ""), confidence) for name, unit in levels.items()}
    return LevelsRow(explainer=explainer, null=null, scores=scores, comparisons=comparisons)


def _letters(levels: Sequence[str], comparisons: Sequence[LevelComparison]) -> dict[str, str]:
    """Which levels share a letter; none unless every two were compared."""
    if len(levels) < 2 or len(comparisons) < len(levels) * (len(levels) - 1) // 2:
        return {}
    differ = np.zeros((len(levels), len(levels)), dtype=bool)
    for one in comparisons:
        if one.verdict in ("better", "worse"):
            pair = [levels.index(one.first), levels.index(one.second)]
            differ[pair, pair[::-1]] = True
    named = name_letters(compact_letters(range(len(levels)), differ), range(len(levels)))
    return {levels[k]: letters for k, letters in named.items()}


def _level_scores(unit: UnitScores, scale: ScoreScale, alike: str, confidence: float) -> LevelScores:
    averaged, defined = unit.averaged, unit.values[~np.isnan(unit.values)]
    count, mean = int((~np.isnan(averaged)).sum()), float(nan_mean(averaged))
    crossed = unit.replicated and count > 1
    if crossed:
        low, high = t_interval(mean, unit.spread(), confidence)
        low, high = max(low, float(scale.lowest[0])), min(high, float(scale.highest[0]))
    else:
        alone = np.asarray((averaged == 0) | (averaged == 1) | np.isnan(averaged)).all()
        found = mean_intervals(averaged[:, None], replace(scale, proportions=scale.proportions & alone), confidence)
        low, high = float(found.low[0]), float(found.high[0])
    return LevelScores(
        n=len(defined),
        samples=count,
        models=len(unit.values),
        mean=mean,
        low=low,
        high=high,
        test="models" if crossed else "samples",
        alike=alike,
        **summarise_box(defined)._asdict(),
    )


def _models(found: LevelSet, level: Level) -> list[LevelModel]:
    return [LevelModel(dataset=group.dataset, model=group.model, accuracy=group.accuracy) for group in found.groups(level)]


def _explain_no_sample(found: LevelSet) -> str:
    known = [group for group in found.groups() if group.accuracy is not None]
    worst = min(known, key=lambda group: group.accuracy or 0.0, default=None)
    least = "" if worst is None else f"; {worst.model} on {worst.dataset} has the least accuracy, {100 * (worst.accuracy or 0.0):.1f} %"
    where = f" of {found.dataset}" if found.dataset else ""
    return to_printable_line(f"no sample{where} counts for all models of all levels: there is nothing to compare{least}")
