"""Differences of every two explainers of a board, metric by metric, as compact JSON."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from harness.analysis.pair_comparison import compare_pair
from harness.report.script_json import shorten
from harness.results.data_model import Results
from harness.results.document import GroupEntry, Leaderboard, Versus

MOST_COMPARISONS = 20_000
"""Comparisons under one metric that a page holds; of more, those of the best rows are kept."""


def pair_differences(results: Results, document: Leaderboard) -> list[dict[str, list[list[Any] | None]]]:
    """For each group by ``"i,j"``, rows by their place on the board, ``i`` < ``j``: i minus j under each metric.

    An entry is null where the two share no sample, else: difference, its interval's ends, rank-biserial effect, p (Wilcoxon) adjusted over
    the metrics of the pair, number of samples, and ``better``, ``worse``, ``mixed`` or null of i.
    """
    numbers = [{row.label: k for k, row in enumerate(group.rows)} for group in document.groups]
    found: list[dict[str, list[list[Any] | None]]] = [{} for _ in document.groups]
    groups = {(group.dataset, group.model): k for k, group in enumerate(document.groups)}
    pairs: dict[tuple[str, str], None] = {}
    for group in document.groups:
        pairs.update(dict.fromkeys(tuple(sorted(pair)) for pair in _chosen_pairs(group, document.settings.reference)))  # type: ignore[misc]
    for first, second in pairs:
        for entry in compare_pair(results, first, second):
            k = groups[entry.dataset, entry.model]
            i, j = numbers[k][first], numbers[k][second]
            cells = [entry.cells.get(metric.label) for metric in document.groups[k].metrics]
            found[k][f"{min(i, j)},{max(i, j)}"] = [_to_list(cell, 1 if i < j else -1) for cell in cells]
    return found


def _chosen_pairs(group: GroupEntry, reference: str | None) -> list[tuple[str, str]]:
    labels = [row.label for row in group.rows]
    metrics = max(len(group.metrics), 1)
    most = next((size for size in range(len(labels), 1, -1) if size * (size - 1) // 2 * metrics <= MOST_COMPARISONS), 2)
    against = [(label, reference) for label in labels if reference in labels and reference is not None and label != reference]
    return [*combinations(labels[:most], 2), *against]


def _to_list(versus: Versus | None, sign: int) -> list[Any] | None:
    """The numbers of one comparison; with ``sign`` -1 those of the second minus the first."""
    if versus is None or versus.difference is None:
        return None
    ends = (versus.low, versus.high)
    low, high = ends if sign > 0 else tuple(None if end is None else -end for end in reversed(ends))
    verdict = {"better": "worse", "worse": "better"}.get(versus.verdict or "", versus.verdict) if sign < 0 else versus.verdict
    effect = None if versus.effect is None else sign * versus.effect
    numbers = [sign * versus.difference, low, high, effect, versus.p_wilcoxon_adjusted]
    return [*map(shorten, numbers), versus.pairs, verdict]
