"""What a person should know before a run: notes of datasets and models, and which cells will hold no number, why, and what to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.planning.gaps import gaps
from harness.planning.notes import all_notes
from harness.planning.plan import Plan
from harness.registry.registry import Registry
from harness.words import counted

INDENT = "  "
MOST = 20  # of a kind


def opening_lines(plan: Plan, registry: Registry) -> Iterator[str]:
    """Lines, indented under what they belong to; none where there is nothing to say."""
    notes = all_notes(plan.groups)
    if notes:
        yield "notes:"
        yield from _some(notes)
    found = gaps(plan, registry)
    total = cells_of(plan)
    for state in ("blocked", "not applicable"):
        of_state = [gap for gap in found if gap.state == state]
        if of_state:
            yield f"{state}: {sum(gap.cells for gap in of_state):,} of {counted(total, 'cell')}"
            lines = [line for gap in of_state[:MOST] for line in gap.lines()]
            yield from (INDENT + line for line in lines)
            yield from _more(of_state)


def _some(lines: Sequence[str]) -> Iterator[str]:
    yield from (INDENT + line for line in lines[:MOST])
    yield from _more(lines)


def _more(told: Sequence[object]) -> Iterator[str]:
    """That there are more than are told."""
    if len(told) > MOST:
        yield f"{INDENT}and {len(told) - MOST} more: harness plan --json has them all"


def cells_of(plan: Plan) -> int:
    """How many cells a plan has: an explainer under a metric is one, of every dataset with every model."""
    return sum(len(column.scores) for group in plan.everything for column in group.columns)
