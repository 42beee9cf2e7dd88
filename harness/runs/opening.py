"""What a person should know before a run: notes of datasets and models, and which cells will hold no number, why, and what to write."""

from __future__ import annotations

from collections.abc import Iterator

from harness.planning.gaps import gaps
from harness.planning.notes import all_notes
from harness.planning.plan import Plan
from harness.registry.registry import Registry
from harness.words import counted

INDENT = "  "


def opening_lines(plan: Plan, registry: Registry) -> Iterator[str]:
    """Lines, indented under what they belong to; none where there is nothing to say."""
    notes = all_notes(plan.groups)
    if notes:
        yield "notes:"
        yield from (INDENT + note for note in notes)
    found = gaps(plan, registry)
    total = cells_of(plan)
    for state in ("blocked", "not applicable"):
        of_state = [gap for gap in found if gap.state == state]
        if of_state:
            yield f"{state}: {sum(gap.cells for gap in of_state):,} of {counted(total, 'cell')}"
            yield from (INDENT + line for gap in of_state for line in gap.lines())


def cells_of(plan: Plan) -> int:
    """How many cells a plan has: an explainer under a metric is one, of every dataset with every model."""
    return sum(len(column.scores) for group in plan.everything for column in group.columns)
