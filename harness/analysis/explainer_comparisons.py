"""Paired tests of every explainer of a metric: of its differences to something else, and against the best null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from harness.analysis.confidence_intervals import MeanIntervals
from harness.analysis.paired_tests import PairedComparison, cohens_d, drop_nan, holm, paired_differences, t_test
from harness.analysis.run_statistics import NullComparison
from harness.analysis.signed_rank import signed_ranks
from harness.results.data_model import Floats


def compare_explainers(
    differences: Floats, labels: Sequence[str], intervals: MeanIntervals, *, sign: float, confidence: float
) -> dict[str, PairedComparison]:
    """Test the ``differences`` (N, K) of K explainers (to the reference, or of one model to another) under one metric, NaN where undefined.

    ``intervals``: of the K mean differences. ``sign`` is 1 where higher is better. p-values are adjusted over these
    explainers.
    """
    ranked = signed_ranks(differences)
    kept = [drop_nan(values) for values in differences.T]
    p_t = [t_test(values) for values in kept]
    t_holm, w_holm = holm(p_t), holm(ranked.p)
    found = {}
    for k, (label, values) in enumerate(zip(labels, kept, strict=True)):
        effect = float(ranked.effect[k])
        found[label] = PairedComparison(
            pairs=len(values),
            dropped=len(differences) - len(values),
            difference=float(values.mean()) if len(values) else float("nan"),
            low=float(intervals.low[k]),
            high=float(intervals.high[k]),
            effect=effect,
            d_z=cohens_d(values),
            p_ttest=p_t[k],
            p_wilcoxon=float(ranked.p[k]),
            p_ttest_holm=t_holm[k],
            p_wilcoxon_holm=w_holm[k],
            verdict=_verdict(w_holm[k], sign * effect, confidence),
        )
    return found


def _verdict(p: float, oriented: float, confidence: float) -> Literal["better", "worse"] | None:
    if np.isnan(p) or p >= 1 - confidence or oriented == 0:
        return None
    return "better" if oriented > 0 else "worse"


def compare_with_nulls(
    scores: Floats, labels: Sequence[str], nulls: Sequence[str], twins: Mapping[str, str], *, sign: float, confidence: float
) -> dict[str, NullComparison]:
    """Hold every explainer against the best null: a one-sided paired Wilcoxon test, adjusted by Holm over the explainers.

    ``scores``: ``(N, K)`` of the K explainers of ``labels``, nulls included, each with a score at least once. ``nulls``: labels of the
    null rows. ``twins``: null label → the label whose twin it is; a twin is a null of its own explainer only. The best null is the one
    with the best mean. Explainers without any null are left out.
    """
    place = {label: k for k, label in enumerate(labels)}
    means = {label: sign * float(np.nanmean(scores[:, place[label]])) for label in nulls if label in place}
    best: dict[str, str] = {}
    for label in labels:
        candidates = [null for null in means if twins.get(null, label) == label]
        if label not in nulls and candidates:
            best[label] = max(candidates, key=lambda null: means[null])
    held, against = [place[label] for label in best], [place[null] for null in best.values()]
    p = holm(signed_ranks(sign * paired_differences(scores[:, held], scores[:, against])).p_greater)
    return {
        label: NullComparison(null, adjusted, bool(adjusted < 1 - confidence))
        for (label, null), adjusted in zip(best.items(), p, strict=True)
        if not np.isnan(adjusted)
    }
