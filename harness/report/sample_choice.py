"""The rule by which a report chooses the samples that it shows, which the page states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.analysis.bootstrap import nan_mean
from harness.leaderboard.number_format import printable
from harness.results.components import MetricInfo
from harness.results.data_model import Group
from harness.results.field_types import Floats
from harness.text_format import format_some
from harness.user_errors import UserError

RuleName = Literal["first", "random", "disagreement", "worst", "best"]
RULES = "first, random, disagreement, worst:METRIC or best:METRIC"


@dataclass(frozen=True)
class ChoiceRule:
    """One rule; ``metric`` is a label, of ``worst`` and ``best`` alone."""

    name: RuleName
    metric: str | None = None

    def text(self, count: int, total: int, seed: int) -> str:
        """The rule as a sentence on ``count`` samples of ``total``."""
        if count == total:
            return f"All {total} samples."
        how = {
            "first": "the first of the data set",
            "random": f"drawn at random with seed {seed}",
            "disagreement": "those on which the maps of the explainers differ most",
            "worst": f"those with the worst {printable(self.metric or '')}, averaged over the explainers that are no nulls",
            "best": f"those with the best {printable(self.metric or '')}, averaged over the explainers that are no nulls",
        }
        return f"{count} of {total} samples: {how[self.name]}."


def read_choice_rule(text: str) -> ChoiceRule:
    """The rule of a command line; raises `UserError` for another."""
    name, colon, metric = text.partition(":")
    if name in ("first", "random", "disagreement") and not colon:
        return ChoiceRule(name)  # type: ignore[arg-type]
    if name in ("worst", "best") and metric:
        return ChoiceRule(name, metric)  # type: ignore[arg-type]
    raise UserError(f"--choose {text}: a rule is {RULES}")


def choose_samples(
    rule: ChoiceRule, count: int, group: Group, real: Sequence[str], seed: int, there: Sequence[int], disagreement: Callable[[], Floats]
) -> list[int]:
    """Numbers of the samples of ``group``, the first by the rule before the others.

    ``real``: labels of the rows that are no nulls. ``there``: the samples that have maps. ``disagreement`` of these: ``(len(there),)``.
    """
    if rule.name == "first":
        order = np.arange(len(there))
    elif rule.name == "random":
        names = sorted(range(len(there)), key=lambda k: group.samples[there[k]])
        order = np.asarray(names, dtype=np.intp)[np.random.default_rng(seed).permutation(len(there))]
    elif rule.name == "disagreement":
        order = _descending(disagreement())
    else:
        metric = _metric(group, rule.metric or "")
        scores = [group.cells[label, metric.label].values for label in real if (label, metric.label) in group.cells]
        mean = nan_mean(np.stack(scores))[np.asarray(there)] if scores else np.full(len(there), np.nan)
        order = _descending(metric.sign * mean * (1 if rule.name == "best" else -1))
    return [there[k] for k in order[:count]]


def map_disagreement(maps: Sequence[NDArray[np.floating]]) -> float:
    """1 minus the mean Spearman correlation of every two of these maps ``(K, cells)``; NaN of fewer than two that vary."""
    varying = [values for values in maps if np.ptp(values) > 0]
    if len(varying) < 2:
        return float("nan")
    ranks = np.stack([stats.rankdata(values) for values in varying])
    correlations = np.corrcoef(ranks)[np.triu_indices(len(ranks), 1)]
    return float(1 - correlations.mean())


def _metric(group: Group, label: str) -> MetricInfo:
    found = next((metric for metric in group.metrics if metric.label == label), None)
    if found is None:
        raise UserError(f"--choose: no metric {printable(label)!r} here: there are {format_some(group.metric_labels, 20)}")
    return found


def _descending(values: Floats) -> NDArray[np.intp]:
    """The order from the greatest, NaN last; equal ones as they stand."""
    return np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")
