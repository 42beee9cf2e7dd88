"""Comparisons of a group's cells: with the reference, with the nulls, and of two rows that a reader chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from harness.analysis.confidence_intervals import ScoreScale, mean_intervals
from harness.analysis.explainer_comparisons import NullTest, compare_explainers, compare_with_nulls, judge_difference
from harness.analysis.multiplicity import adjust_families
from harness.analysis.paired_tests import paired_differences
from harness.results.components import MetricInfo
from harness.results.data_model import Group, Results
from harness.results.document import Versus
from harness.results.field_types import Bools, Floats

CellLabels = tuple[str, str]
"""Labels of an explainer and of a metric."""


class NullComparison(NamedTuple):
    """Fields of a cell that say how it stands against the nulls."""

    null: str
    p_null: float
    p_null_adjusted: float
    beats_null: bool


def compare_cells(group: Group, results: Results, scores: Floats) -> tuple[dict[CellLabels, Versus], dict[CellLabels, NullComparison]]:
    """Every cell against the reference's and against the nulls', of those that have scores; all marks of a table are adjusted together.

    ``scores`` (N, E, M) are those of the samples that count.
    """
    labels = group.explainer_labels
    reference = results.reference if results.reference in labels else None
    others = [label for label in labels if label != reference]
    versus = {} if reference is None else compare_rows(scores, labels, group.metrics, others, reference, results.confidence)
    tested = _test_against_nulls(group, results, scores)
    p = {("reference", *pair): found.p_wilcoxon for pair, found in versus.items()}
    adjusted = _adjust(p | {("nulls", *pair): found.p for pair, found in tested.items()}, results)
    nulls = {}
    for pair, found in tested.items():
        p_adjusted = adjusted["nulls", *pair]
        nulls[pair] = NullComparison(found.null, found.p, p_adjusted, found.agrees and p_adjusted < 1 - results.confidence)
    return judge(versus, {pair: adjusted["reference", *pair] for pair in versus}, group.metrics, results), nulls


def compare_rows(
    scores: Floats, labels: Sequence[str], metrics: Sequence[MetricInfo], chosen: Sequence[str], other: str, confidence: float
) -> dict[CellLabels, Versus]:
    """The ``chosen`` rows of ``scores`` (N, E, M) minus the row ``other``, where both have scores; not adjusted, and without verdicts."""
    against, rows = labels.index(other), [labels.index(label) for label in chosen]
    scored: Bools = np.asarray(~np.isnan(scores).all(axis=0))
    differences = paired_differences(scores[:, rows], scores[:, [against]])
    scale = ScoreScale.of_metrics(metrics, scores).of_differences()
    return compare_differences(differences, scored[rows] & scored[against], chosen, metrics, scale, confidence)


def compare_differences(
    differences: Floats, held: Bools, labels: Sequence[str], metrics: Sequence[MetricInfo], scale: ScoreScale, confidence: float
) -> dict[CellLabels, Versus]:
    """Test the ``differences`` (N, E, M) of rows with these labels, in cells that are ``held`` (E, M); not adjusted, without verdicts."""
    found: dict[CellLabels, Versus] = {}
    for m, metric in enumerate(metrics):
        rows = np.flatnonzero(held[:, m])
        column = np.ascontiguousarray(differences[:, rows, m].T).T
        intervals = mean_intervals(column, scale.columns([m] * len(rows)), confidence)
        tested = compare_explainers(column, [labels[e] for e in rows], intervals)
        found.update({(label, metric.label): comparison for label, comparison in tested.items()})
    return found


def judge(
    versus: Mapping[CellLabels, Versus],
    adjusted: Mapping[CellLabels, float],
    metrics: Sequence[MetricInfo],
    results: Results,
    *,
    by_metric: bool = True,
) -> dict[CellLabels, Versus]:
    """The comparisons with their verdicts; ``adjusted`` are the p-values of their Wilcoxon tests. The t-tests are a family of their own."""
    signs = {metric.label: metric.sign for metric in metrics}
    t_tests = _adjust({("t-test", *pair): found.p_ttest for pair, found in versus.items()}, results, by_metric)
    return {
        pair: Versus(
            **{
                **vars(found),
                "p_ttest_adjusted": t_tests["t-test", *pair],
                "p_wilcoxon_adjusted": adjusted[pair],
                "verdict": judge_difference(found, adjusted[pair], signs[pair[1]], results.confidence),
            }
        )
        for pair, found in versus.items()
    }


def judge_alone(
    versus: Mapping[CellLabels, Versus], metrics: Sequence[MetricInfo], results: Results, *, by_metric: bool = True
) -> dict[CellLabels, Versus]:
    """The comparisons with their verdicts, where nothing else is tested beside them; ``by_metric``: Holm's families are of one metric."""
    adjusted = _adjust({("", *pair): found.p_wilcoxon for pair, found in versus.items()}, results, by_metric)
    return judge(versus, {pair: adjusted["", *pair] for pair in versus}, metrics, results, by_metric=by_metric)


def _adjust(p: Mapping[tuple[str, str, str], float | None], results: Results, by_metric: bool = True) -> dict[tuple[str, str, str], float]:
    """p-values by (what is compared with, explainer, metric): one family of them all, or one for each metric of each."""
    whole = results.correction == "fdr" or not by_metric
    return adjust_families(p, results.correction, lambda test: None if whole else (test[0], test[2]))


def _test_against_nulls(group: Group, results: Results, scores: Floats) -> dict[CellLabels, NullTest]:
    nulls = [info.label for info in group.explainers if results.is_null(info)]
    found: dict[CellLabels, NullTest] = {}
    for m, metric in enumerate(group.metrics):
        column = np.ascontiguousarray(scores[:, :, m].T).T
        held = compare_with_nulls(column, group.explainer_labels, nulls, group.twins, sign=metric.sign)
        found.update({(label, metric.label): test for label, test in held.items()})
    return found
