"""Paired tests of every explainer of a metric, of its differences to something else and against its nulls, and the verdict on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from harness.analysis.confidence_intervals import MeanIntervals
from harness.analysis.paired_tests import cohens_d, drop_nan, mean_difference, paired_differences, t_test
from harness.analysis.signed_rank import signed_ranks
from harness.analysis.skill import hardest_null, null_candidates
from harness.results.document import ComparisonVerdict, Versus
from harness.results.field_types import Floats


class NullTest(NamedTuple):
    """A test of an explainer against its nulls.

    Attributes:
        null: the one that it is better than on fewest samples.
        p: of the intersection-union test that it is better than each.
        agrees: it is better than each by the mean of its differences, too.
    """

    null: str
    p: float
    agrees: bool


def compare_explainers(differences: Floats, labels: Sequence[str], intervals: MeanIntervals) -> dict[str, Versus]:
    """Test the ``differences`` (N, K) of K explainers (to the reference, or of one model to another) under one metric, NaN if undefined.

    ``intervals``: of the K mean differences. Nothing is adjusted yet, and there is no verdict.
    """
    ranked = signed_ranks(differences)
    kept = [drop_nan(values) for values in differences.T]
    return {
        label: Versus(
            difference=mean_difference(values),
            low=intervals.low[k],
            high=intervals.high[k],
            effect=ranked.effect[k],
            d_z=cohens_d(values),
            p_ttest=t_test(values),
            p_wilcoxon=ranked.p[k],
            pairs=len(values),
        )
        for k, (label, values) in enumerate(zip(labels, kept, strict=True))
    }


def judge_difference(versus: Versus, p: float, sign: float, confidence: float) -> ComparisonVerdict | None:
    """What a comparison shows if its adjusted p-value is ``p``; ``sign`` is 1 if higher is better.

    ``mixed`` where mean difference and rank-biserial effect do not have the same sign: many small differences one way, and few large ones
    the other, are neither better nor worse.
    """
    if np.isnan(p) or p >= 1 - confidence:
        return None
    by_mean, by_ranks = np.sign(versus.difference or 0.0), np.sign(versus.effect or 0.0)
    if by_mean != by_ranks:
        return "mixed"
    return "better" if sign * by_mean > 0 else "worse"


def compare_with_nulls(
    scores: Floats, labels: Sequence[str], nulls: Sequence[str], twins: Mapping[str, str], *, sign: float
) -> dict[str, NullTest]:
    """Hold every explainer that is no null against each of its nulls (`null_candidates`), by one-sided paired Wilcoxon tests.

    It is better than all of them if it is better than each: the greatest p-value is that of the intersection-union test (Berger 1982),
    which needs no adjustment for their number.

    Args:
        scores: ``(N, K)`` of the K explainers of ``labels``, nulls included.
        nulls: labels of the null rows.
        twins: null label → the label whose twin it is.
        sign: 1 if higher is better, -1 if lower is.

    Returns:
        By label, without explainers that have no score or no null.
    """
    column = {label: scores[:, k] for k, label in enumerate(labels)}
    null_scores = {label: column[label] for label in nulls if label in column}
    candidates = {
        label: null_candidates(label, null_scores, twins) for label in labels if label not in nulls and not np.isnan(column[label]).all()
    }
    pairs = [(label, null) for label, own in candidates.items() for null in own]
    if not pairs:
        return {}
    differences = sign * np.stack([paired_differences(column[label], column[null]) for label, null in pairs], axis=1)
    p = np.nan_to_num(signed_ranks(differences).p_greater, nan=1.0)  # no sample has both scores: nothing shows that it is better
    better = np.asarray([mean_difference(drop_nan(values)) > 0 for values in differences.T])
    found = {}
    for label, own in candidates.items():
        hardest = hardest_null(column[label], own, sign)
        if hardest is not None:
            held = [k for k, (other, _) in enumerate(pairs) if other == label]
            found[label] = NullTest(hardest, float(p[held].max()), bool(better[held].all()))
    return found
