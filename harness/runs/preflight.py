"""What a person should know before a run: notes of datasets and models, and which cells will hold no number, why, and what to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.planning.gaps import find_gaps
from harness.planning.notes import all_notes
from harness.planning.plan import Plan
from harness.registry.registry import Registry
from harness.text_format import format_count

INDENT = "  "
MAX_LINES = 20  # of a kind


def preflight_lines(plan: Plan, registry: Registry) -> Iterator[str]:
    """Lines, indented under what they belong to; none where there is nothing to say."""
    notes = all_notes(plan.groups)
    if notes:
        yield "notes:"
        yield from _first_lines(notes)
    found = find_gaps(plan, registry)
    total = count_cells(plan)
    for state in ("blocked", "not applicable"):
        of_state = [gap for gap in found if gap.state == state]
        if of_state:
            yield f"{state}: {sum(gap.cells for gap in of_state):,} of {format_count(total, 'cell')}"
            lines = [line for gap in of_state[:MAX_LINES] for line in gap.lines()]
            yield from (INDENT + line for line in lines)
            yield from _omitted_lines(of_state)


def _first_lines(lines: Sequence[str]) -> Iterator[str]:
    yield from (INDENT + line for line in lines[:MAX_LINES])
    yield from _omitted_lines(lines)


def _omitted_lines(told: Sequence[object]) -> Iterator[str]:
    """That there are more than are told."""
    if len(told) > MAX_LINES:
        yield f"{INDENT}and {len(told) - MAX_LINES} more: harness plan --json has them all"


def count_cells(plan: Plan) -> int:
    """How many cells a plan has: an explainer under a metric is one, of every dataset with every model."""
    return sum(len(column.scores) for group in plan.everything for column in group.columns)
