"""Gaps of a plan, cells that will hold no number: why, and what to write to mend it, said before anything is computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.planning.group_plan import GroupPlan
from harness.planning.plan import Plan
from harness.planning.training_splits import NO_TRAINING
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.unmet_needs import lacked_evidence
from harness.text_format import format_count, format_some

TRAINING_KEY = "training:"  # the key of a spec's dataset; a reason that names it says what to write itself
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
    places: dict[tuple[GapState, str], dict[str, list[tuple[str, str]]]] = {}
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
    for column in group.columns:
        for score in column.scores:
            if group.blocked is not None:
                yield column.label, score.label, "blocked", group.blocked
            elif (reason := column.reason or score.reason) is not None:
                yield column.label, score.label, "not applicable", reason


def _describe_places(by_group: Mapping[str, Sequence[tuple[str, str]]], groups: Mapping[str, GroupPlan]) -> Iterator[str]:
    """What lacks a number where: rows or metrics by name if all of their cells do, and the groups of which the same is true together."""
    together: dict[str, list[str]] = {}
    for name, cells in by_group.items():
        together.setdefault(_describe_cells(cells, groups[name]), []).append(name)
    for what, names in together.items():
        everywhere = len(names) == len(groups) > 1
        yield f"{what} everywhere" if everywhere else f"{what} on {format_some(names)}"


def _describe_cells(cells: Sequence[tuple[str, str]], group: GroupPlan) -> str:
    rows, metrics = Counter(row for row, _ in cells), dict.fromkeys(metric for _, metric in cells)
    sizes = {column.label: len(column.scores) for column in group.columns}
    if all(count == sizes[row] for row, count in rows.items()):
        return format_some(list(rows))
    if len(cells) == len(metrics) * sum(column.reason is None for column in group.columns):
        return format_some(list(metrics))
    return format_some([f"{metric} of {row}" for row, metric in cells])


def _remedy(reason: str, datasets: Mapping[str, Recipe], registry: Registry) -> str | None:
    """What to write into the spec for the lack to go; None if that is another model or explainer."""
    under = f"write under the dataset {format_some(list(datasets))}"
    if reason.startswith(NO_TRAINING):
        return None if TRAINING_KEY in reason else f"{under}: {TRAINING_KEY} {{use: …}}"
    lack = lacked_evidence(reason)
    if lack is None:
        return None
    cards = [registry.known("datasets", recipe.qualified) for recipe in datasets.values()]
    if all(lack in card.parameters.get("properties", {}) for card in cards):
        return f"{under}: params: {{{lack}: …}}; or leave these metrics out"
    return f"take a dataset that has {lack}, or leave these metrics out"
