"""Report of a plan: what a worker is asked while it is made, notes and gaps that a person should know, and a table of what will run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.planning.estimate import Estimate
from harness.planning.facts import Unavailable
from harness.planning.gaps import find_gaps, training_remedy
from harness.planning.keeping import choice_lines
from harness.planning.notes import WITHOUT_TRAINING, all_notes
from harness.planning.plan import Plan
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.text_format import format_count

INDENT = "  "
MAX_LINES = 20  # of a kind
REQUEST_MESSAGES = {
    "dataset": "reading {label}",
    "model": "loading {label}",
    "training": "reading the training data {label}",
    "train": "training {label}",
    "opened": "importing {name}",
    "passes": "importing {name}",
    "verdict": "importing {name}",
}
STARTING = "starting a worker"
RequestFunction = Callable[[Mapping[str, Any]], Any]
ExpectFunction = Callable[[Sequence[Mapping[str, Any]]], None]


def report_requests(
    ask: RequestFunction,
    say: Callable[[str], object],
    refused: Callable[[str, Unavailable], object],
    begun: bool = False,
    listen: Callable[[Callable[[int, int], object]], object] = lambda counted: None,
) -> RequestFunction:
    """``ask`` that says first what answering it will take, and tells of what cannot be had; ``begun``: somebody is there to answer.

    ``listen`` is given what is to be told how many samples of how many are read.
    """
    doing = ""

    def counted(done: int, of: int) -> None:
        say(f"{doing}: {done:,} of {format_count(of, 'sample')}")

    listen(counted)

    def told(request: Mapping[str, Any]) -> Any:
        nonlocal begun, doing
        recipe = Recipe.from_json(request["recipe"])
        doing = REQUEST_MESSAGES.get(request["ask"], "asking about {label}").format(label=recipe.label or recipe.name, name=recipe.name)
        say(doing if begun else f"{STARTING}, {doing}")
        begun = True
        try:
            return ask(request)
        except Unavailable as error:
            refused(doing, error)
            raise

    return told


def report_start(expect: ExpectFunction, say: Callable[[str], object]) -> ExpectFunction:
    """``expect`` that says first that workers are started, which may have to wait for a fork server that still imports."""

    def told(requests: Sequence[Mapping[str, Any]]) -> None:
        say(STARTING)
        expect(requests)

    return told


def preflight_lines(plan: Plan, registry: Registry) -> Iterator[str]:
    """Which models are explained, notes, and which cells will hold no number, why, and what to write; indented below their heads."""
    yield from choice_lines(plan.choices)
    notes = all_notes(plan.groups)
    if notes:
        yield "notes:"
        yield from (INDENT + line for line in notes[:MAX_LINES])
        yield from _omitted_lines(notes)
        bare = {
            group.dataset.label: group.dataset
            for group in plan.groups
            if any(note.startswith(WITHOUT_TRAINING) for column in group.columns for note in column.notes)
        }
        if bare:
            yield f"{INDENT}  → for training images, {training_remedy(bare, registry)}"
    found = find_gaps(plan, registry)
    for state in ("blocked", "not applicable"):
        of_state = [gap for gap in found if gap.state == state]
        if of_state:
            yield f"{state}: {sum(gap.cells for gap in of_state):,} of {format_count(_count_cells(plan), 'cell')}"
            yield from (INDENT + line for gap in of_state[:MAX_LINES] for line in gap.lines())
            yield from _omitted_lines(of_state)


def _omitted_lines(told: Sequence[object]) -> Iterator[str]:
    """That there are more than are told."""
    if len(told) > MAX_LINES:
        yield f"{INDENT}and {len(told) - MAX_LINES} more: harness plan --json has them all"


def _count_cells(plan: Plan) -> int:
    """How many cells a plan has: an explainer under a metric is one, of every dataset with every model."""
    return sum(len(column.scores) for group in plan.everything for column in group.columns)


def make_table(left: Sequence[str], right: Sequence[str]) -> Table:
    """An empty table with words on the left and numbers on the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in left:
        table.add_column(title, overflow="fold")
    for title in right:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def plan_table(estimate: Estimate) -> RenderableType:
    """A plan as a table of explainers by state, with totals and reasons."""
    table = make_table(("dataset", "model", "explainer"), ("to do", "cached", "n/a", "passes"))
    rows: dict[tuple[str, str, str], list[int | float]] = {}
    for cell in estimate.cells:
        if cell.state in ("blocked", "untrained"):  # one line says so of the whole group
            continue
        row = rows.setdefault((cell.dataset, cell.model, cell.explainer), [0, 0, 0, 0.0])
        if cell.metric:  # an explanation takes passes, and is no cell
            row[("to do", "cached", "not applicable").index(cell.state)] += 1
        row[3] += (cell.passes or 0.0) * cell.missing
    for names, (*counts, passes) in rows.items():
        table.add_row(*names, *map(str, counts), f"{passes:,.0f}")
    trainings = [Text(f"trained first: {label}: {what}") for label, what in estimate.trainings.items()]
    lines = [*trainings, Text(_plan_totals_line(estimate))]
    return Group(table, Text(), *lines) if rows else Group(*lines)


def _plan_totals_line(estimate: Estimate) -> str:
    counts = (
        f"{format_count(estimate.count('to do'), 'cell')} to do, {estimate.count('cached'):,} cached, "
        f"{estimate.count('not applicable') + estimate.count('blocked'):,} without a number"
    )
    if estimate.count("untrained"):
        counts += f", {estimate.count('untrained'):,} once their models are trained"
    if not estimate.count("to do") and not estimate.passes:
        return counts
    time = "" if estimate.seconds is None else f", about {estimate.seconds:,.0f} s on one worker by the rate measured so far"
    more = " (without those of components that do not say how many they take)" if estimate.unknown else ""
    return f"{counts}; {estimate.passes:,.0f} passes{more}{time}; at most {estimate.bytes / 1e6:,.1f} MB of maps"
