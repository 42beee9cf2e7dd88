"""Gaps of a plan, cells that will hold no number: why, and what to write to mend it, said before anything is computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.planning.group_plan import ExplanationColumn, GroupPlan
from harness.planning.plan import Plan
from harness.planning.training_splits import NO_TRAINING
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.unmet_needs import lacked_evidence
from harness.text_format import format_count, format_some

TRAINING_KEY = "training:"  # the key of a spec's dataset
GapState = Literal["not applicable", "blocked"]


@dataclass(frozen=True)
class Gap:
    """Cells that will hold no number for one reason.

    Attributes:
        state: whether something does not apply to the model or the data, or one of these cannot be had.
        reason: why.
        cells: how many (an explainer under a metric is one cell, of every dataset with every model).
        places: which, in words: ``("triad, shap-gradient on mine · resnet",)``; for what is blocked the groups alone.
        remedy: what to write to mend it, or None if nothing in a spec does.
    """

    state: GapState
    reason: str
    cells: int
    places: tuple[str, ...]
    remedy: str | None = None

    def lines(self) -> Iterator[str]:
        """A line on what is missing and why, and one on what to write."""
        where = "; ".join(self.places)
        yield (
            f"{where}: {self.reason}" if self.state == "not applicable" else f"{self.reason} ({where}: {format_count(self.cells, 'cell')})"
        )
        if self.remedy is not None:
            yield f"  → {self.remedy}"


def find_gaps(plan: Plan, registry: Registry) -> list[Gap]:
    """The gaps of a plan, those that cost most cells first; what is blocked comes before what is not applicable."""
    places: dict[tuple[GapState, str], dict[str, list[tuple[str, str]]]] = {}  # row and metric by group
    datasets: dict[tuple[GapState, str], dict[str, Recipe]] = {}
    for group in plan.everything:
        for row, metric, state, reason in _iter_empty_cells(group):
            places.setdefault((state, reason), {}).setdefault(group_name(group), []).append((row, metric))
            datasets.setdefault((state, reason), {})[group.dataset.label] = group.dataset
    whole = {group_name(group): group for group in plan.everything}
    found = [
        Gap(
            state,
            reason,
            sum(map(len, by_group.values())),
            tuple(_describe_places(by_group, whole) if state == "not applicable" else by_group),
            _remedy(reason, datasets[state, reason], registry),
        )
        for (state, reason), by_group in places.items()
    ]
    return sorted(found, key=lambda gap: (gap.state != "blocked", -gap.cells))


def group_name(group: GroupPlan) -> str:
    """``dataset · model``, as a leaderboard is headed."""
    return f"{group.dataset.label} · {group.variant.label(group.model.label, repeat=False)}"


def _iter_empty_cells(group: GroupPlan) -> Iterator[tuple[str, str, GapState, str]]:
    """Row, metric, state and reason of the cells of a group that will hold no number."""
    for column in group.columns if not group.untrained else ():
        for score in column.scores:
            if group.blocked is not None:
                yield column.label, score.label, "blocked", group.blocked
            elif column.reason is not None:
                yield column.label, score.label, "not applicable", _innermost(column.reason, column.recipe)[1]
            elif score.reason is not None:
                yield column.label, score.label, "not applicable", score.reason


def _innermost(reason: str, recipe: Recipe) -> tuple[str, str]:
    """Name of the nested explainer that a reason says it is about, empty if it is the explainer itself, and the reason without it."""
    name = ""
    while inner := next((each for each in recipe.nested if reason.startswith(f"{each.name}: ")), None):
        name, reason, recipe = inner.name, reason.removeprefix(f"{inner.name}: "), inner
    return name, reason


def _describe_places(by_group: Mapping[str, Sequence[tuple[str, str]]], groups: Mapping[str, GroupPlan]) -> Iterator[str]:
    """What lacks a number where: rows or metrics by name if all of their cells do, and the groups of which the same is true together."""
    together: dict[str, list[str]] = {}
    for name, cells in by_group.items():
        together.setdefault(_describe_cells(cells, groups[name]), []).append(name)
    for what, names in together.items():
        everywhere = len(names) == len(groups) > 1
        yield f"{what} everywhere" if everywhere else f"{what} on {format_some(names)}"


def _describe_cells(cells: Sequence[tuple[str, str]], group: GroupPlan) -> str:
    """Rows all of whose cells are among these, with the part that it is about; then metrics that all other rows lack; then the rest."""
    counts, columns = Counter(row for row, _ in cells), {column.label: column for column in group.columns}
    whole = [row for row, count in counts.items() if count == len(columns[row].scores)]
    others = [(row, metric) for row, metric in cells if row not in whole]
    metrics = list(dict.fromkeys(metric for _, metric in others))
    everywhere = len(others) == len(metrics) * sum(column.reason is None for column in group.columns)
    said = [] if not whole else [format_some([_describe_row(columns[row]) for row in whole])]
    if everywhere and metrics:
        said.append(format_some(metrics))
    else:
        for metric in metrics:
            rows = [row for row, its in others if its == metric]
            said.append(f"{metric} of {format_some(rows)}")
    return ", ".join(said)


def _describe_row(column: ExplanationColumn) -> str:
    part = "" if column.reason is None else _innermost(column.reason, column.recipe)[0]
    return f"{column.label} (its {part})" if part else column.label


def _remedy(reason: str, datasets: Mapping[str, Recipe], registry: Registry) -> str | None:
    """What to write into the spec for the lack to go; None if that is another model or explainer."""
    if reason.startswith(NO_TRAINING):
        return training_remedy(datasets, registry)
    lack = lacked_evidence(reason)
    if lack is None:
        return None
    cards = [registry.known("datasets", recipe.qualified) for recipe in datasets.values()]
    if all(lack in card.parameters.get("properties", {}) for card in cards):
        return f"{_under(datasets)}: params: {{{lack}: …}}; or leave these metrics out"
    return f"take a dataset that has {lack}, or leave these metrics out"


def training_remedy(datasets: Mapping[str, Recipe], registry: Registry) -> str:
    """What to write into the spec for datasets, by label, to have images to learn from: more of the same kind, if that takes a place."""
    cards = {card.name: card for card in (registry.known("datasets", recipe.qualified) for recipe in datasets.values())}
    use = "…"
    if len(cards) == 1:
        ((name, card),) = cards.items()
        required = ", ".join(f"{parameter}: …" for parameter in card.parameters.get("required", ()))
        use = f"{name}, params: {{{required}}}" if required else use
    return f"{_under(datasets)}: {TRAINING_KEY} {{use: {use}}}"


def _under(datasets: Mapping[str, Recipe]) -> str:
    return f"write under the dataset {format_some(list(datasets))}"
