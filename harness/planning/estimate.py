"""The estimate of what a plan will take: passes, time and bytes, from what was measured before and else from what components declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.planning.group_plan import ExplanationColumn, GroupPlan, ScoreColumn
from harness.planning.json_dataclass import JsonDataclass
from harness.planning.plan import Plan
from harness.registry.registry import Registry
from harness.spec.run_spec import StoreOptions

EstimateState = Literal["to do", "cached", "not applicable", "blocked", "untrained"]
BYTES_PER_VALUE = {"float32": 4, "float16": 2}


@dataclass(frozen=True)
class CellEstimate:
    """One cell of the leaderboard-to-be; with an empty ``metric`` the explanation itself, which takes passes and is no cell."""

    dataset: str
    model: str
    explainer: str
    metric: str
    state: EstimateState
    rows: int
    missing: int
    reason: str | None = None
    passes: float | None = None


@dataclass(frozen=True)
class Estimate(JsonDataclass):
    """Estimates of what a plan will take.

    Attributes:
        cells: every explanation and score.
        passes: forward-equivalents, of the cells for which they are known.
        unknown: of how many cells and explanations to do the passes are not known.
        seconds: on one worker, from what passes took that are in the store; None if nothing was measured yet.
        bytes: of the maps that will be stored.
        trainings: what is trained first, by the model's label: how many epochs of how many images, and how long that may take. Of cells of
            these models nothing else is known yet.
    """

    cells: list[CellEstimate] = field(default_factory=list)
    passes: float = 0.0
    unknown: int = 0
    seconds: float | None = None
    bytes: int = 0
    trainings: Mapping[str, str] = field(default_factory=dict)

    def count(self, state: EstimateState) -> int:
        """Number of cells that are in a state: of an explainer under a metric each, without explanations."""
        return sum(cell.state == state for cell in self.cells if cell.metric)


def estimate_plan(plan: Plan, registry: Registry, store: StoreOptions) -> Estimate:
    """The estimate of a plan; ``store`` says whose maps are kept and how."""
    cells = [cell for group in plan.everything for cell in _estimate_cells(group, registry)]
    to_do = [cell for cell in cells if cell.state == "to do"]
    known = [cell.passes * cell.missing for cell in to_do if cell.passes is not None]
    rate = plan.seconds_per_pass
    return Estimate(
        cells,
        passes=sum(known),
        unknown=sum(cell.passes is None for cell in to_do),
        seconds=sum(known) * rate if rate and known else (0.0 if not to_do else None),
        bytes=sum(_count_kept_values(group, group.keeps(store.kept_maps)) for group in plan.everything) * BYTES_PER_VALUE[store.dtype],
        trainings={training.label: str(training) for training in plan.trainings},
    )


def _estimate_cells(group: GroupPlan, registry: Registry) -> Iterator[CellEstimate]:
    names = (group.dataset.label, group.variant.label(group.model.label, repeat=False))
    for column in group.columns:
        state, missing = _cell_state(group, column.key, column.reason)
        yield CellEstimate(*names, column.label, "", state, len(group.rows), missing, column.reason or group.blocked, column.passes)
        for score in column.scores:
            reason = column.reason or score.reason
            state, missing = _cell_state(group, score.key, reason)
            passes = _metric_passes(score, column, registry)
            yield CellEstimate(*names, column.label, score.label, state, len(group.rows), missing, reason or group.blocked, passes)


def _cell_state(group: GroupPlan, key: str, reason: str | None) -> tuple[EstimateState, int]:
    if group.blocked is not None:
        return "untrained" if group.untrained else "blocked", 0
    if reason is not None:
        return "not applicable", 0
    missing = len(group.missing(key))
    return ("to do", missing) if missing else ("cached", 0)


def _metric_passes(score: ScoreColumn, column: ExplanationColumn, registry: Registry) -> float | None:
    declaration: Mapping[str, Any] = registry.declaration("metrics", score.recipe.qualified, score.recipe.params)
    if score.passes is None or "explainer" not in declaration.get("needs", ()):
        return score.passes
    return None if column.passes is None else score.passes * column.passes


def _count_kept_values(group: GroupPlan, keep: int | None) -> int:
    """Values in the maps to do of the dataset's first ``keep`` samples (None: of all)."""
    if group.model_facts is None:
        return 0
    _, height, width = group.model_facts.input_shape
    rows = [row for column in group.columns if column.reason is None for row in group.missing(column.key)]
    return sum(keep is None or row.position < keep for row in rows) * height * width
