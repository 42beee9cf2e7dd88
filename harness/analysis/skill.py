"""On how many samples an explainer's score is better than a null's, and the null against which these are fewest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.paired_tests import paired_differences
from harness.results.field_types import Floats

LEAST_NULL_SHARE = 0.5
"""Share of the samples that any null has a score for, from which on a null is one to beat: few samples could be its lucky ones."""


def superiority(scores: Floats, null: Floats, sign: float) -> Floats:
    """``(N,)`` whether each of ``scores`` (N,) is better than the null's: 1, ½ if tied or undefined, 0 if worse.

    NaN where the null's is undefined. ``sign`` is 1 if higher is better, -1 if lower is. Scores that differ by float noise are tied.
    """
    difference = sign * paired_differences(scores, null)
    found: Floats = np.where(np.isnan(difference), 0.5, (np.sign(difference) + 1) / 2)
    found[np.isnan(null)] = np.nan
    return found


def null_candidates(explainer: str, nulls: Mapping[str, Floats], twins: Mapping[str, str]) -> dict[str, Floats]:
    """Those of ``nulls``, scores (N,) by label, that the explainer of this label must beat under one metric, in their order.

    Those with scores on at least half of the samples on which any of them has one. ``twins``: null label → the label whose twin it is;
    a twin is a null of its own explainer (and of itself) alone.
    """
    own = {null: scores for null, scores in nulls.items() if explainer in (null, twins.get(null, explainer))}
    if not own:
        return {}
    defined = {null: ~np.isnan(scores) for null, scores in own.items()}
    needed = LEAST_NULL_SHARE * np.logical_or.reduce(list(defined.values())).sum()
    return {null: scores for null, scores in own.items() if defined[null].sum() >= max(needed, 1)}


def hardest_null(scores: Floats, candidates: Mapping[str, Floats], sign: float) -> str | None:
    """The label of the candidate, scores (N,) by label, against which the mean superiority of ``scores`` (N,) is least; None without any.

    Of several, the one with the best mean, then the first by label: never by the order of rows.
    """
    shares = {label: float(nan_mean(superiority(scores, null, sign))) for label, null in candidates.items()}
    return min(shares, key=lambda label: (shares[label], -sign * float(nan_mean(candidates[label])), label), default=None)
