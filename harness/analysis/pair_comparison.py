"""Comparison of two explainers that a reader chooses."""

from __future__ import annotations

from difflib import get_close_matches

from harness.analysis.group_comparisons import compare_rows, judge_alone
from harness.analysis.group_scores import score_cube
from harness.results.data_model import Results
from harness.results.document import PairEntry
from harness.results.sample_selection import selected_samples
from harness.text_format import format_some, to_printable_line
from harness.user_errors import UserError

MAX_LISTED_LABELS = 12


class PairError(UserError):
    """A pair of explainers that a run cannot compare."""


def compare_pair(results: Results, first: str, second: str) -> list[PairEntry]:
    """The explainer ``first`` minus ``second``, on each data set and model that has both.

    Raises `PairError` for a label that no group has, for one that is given twice, and if no group has both.
    """
    labels = list(dict.fromkeys(label for group in results.groups for label in group.explainer_labels))
    for label in (first, second):
        if label not in labels:
            raise PairError(_unknown_label(label, labels))
    if first == second:
        raise PairError(f"{_quoted(first)} is compared with itself; name another explainer")
    found = []
    for group in results.groups:
        if {first, second} <= set(group.explainer_labels):
            selected = selected_samples(group, results.groups, results.samples_rule)
            scores = score_cube(group, selected)
            versus = compare_rows(scores, group.explainer_labels, group.metrics, [first], second, results.confidence)
            judged = judge_alone(versus, group.metrics, results, by_metric=False)
            cells = {metric: comparison for (_, metric), comparison in judged.items()}
            found.append(
                PairEntry(dataset=group.dataset, model=group.model, first=first, second=second, samples=len(selected), cells=cells)
            )
    if not found:
        raise PairError(f"no data set and model has both {_quoted(first)} and {_quoted(second)}")
    return found


def _quoted(label: str) -> str:
    return f'"{to_printable_line(label)}"'


def _unknown_label(label: str, labels: list[str]) -> str:
    """What is near, if anything is, and else what there is."""
    plain = {other.casefold(): other for other in reversed(labels)}
    near = [plain[word] for word in get_close_matches(label.casefold(), plain, n=3, cutoff=0.5)]
    there = f"there are {format_some([to_printable_line(other) for other in labels], MAX_LISTED_LABELS)}"
    meant = f"; did you mean {' or '.join(map(_quoted, near))}? ({there})" if near else f": {there}"
    return f"no explainer {_quoted(label)} here{meant}"
