"""Paired tests of every explainer of a metric: of its differences to something else, and against the best null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from harness.analysis.confidence_intervals import MeanIntervals
from harness.analysis.paired_tests import cohens_d, drop_nan, holm, paired_differences, t_test
from harness.analysis.signed_rank import signed_ranks
from harness.results.document import Versus
from harness.results.field_types import Floats


class NullComparison(NamedTuple):
    """The fields of a cell that say how it stands against the best null: its label, one-sided p, and whether it is significantly better."""

    null: str
    p_null_holm: float
    beats_null: bool


def compare_explainers(
    differences: Floats, labels: Sequence[str], intervals: MeanIntervals, *, sign: float, confidence: float
) -> dict[str, Versus]:
    """Test the ``differences`` (N, K) of K explainers (to the reference, or of one model to another) under one metric, NaN if undefined.

    ``intervals``: of the K mean differences. ``sign`` is 1 if higher is better. p-values are adjusted over these
    explainers.
    """
    ranked = signed_ranks(differences)
    kept = [drop_nan(values) for values in differences.T]
    t_holm, w_holm = holm([t_test(values) for values in kept]), holm(ranked.p)
    return {
        label: Versus(
            difference=float(values.mean()) if len(values) else None,
            low=intervals.low[k],
            high=intervals.high[k],
            effect=ranked.effect[k],
            d_z=cohens_d(values),
            p_ttest_holm=t_holm[k],
            p_wilcoxon_holm=w_holm[k],
            pairs=len(values),
            verdict=_verdict(w_holm[k], sign * float(ranked.effect[k]), confidence),
        )
        for k, (label, values) in enumerate(zip(labels, kept, strict=True))
    }


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
