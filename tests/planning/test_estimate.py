"""What a plan says it will store."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from harness.api.declarations import metric
from harness.planning.estimate import estimate_plan
from harness.planning.facts import ModelFacts
from harness.planning.group_plan import ExplanationColumn, GroupPlan, ScoreColumn
from harness.planning.jobs import SampleRef
from harness.planning.plan import Plan
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.spec.run_spec import StoreOptions

MODEL = ModelFacts("m", 2, None, (3, 20, 10), None, None, (), 1)
ROWS = [SampleRef(i, f"s{i}", "d") for i in range(8)]


def plan() -> Plan:
    """Two explainers on 8 samples of 20 x 10 pixels: one done for 3 of them, one not applicable."""
    columns = [
        ExplanationColumn("a", Recipe("explainers", "a", "x", "1"), "A", []),
        ExplanationColumn("b", Recipe("explainers", "b", "x", "1"), "B", [], reason="no"),
    ]
    datasets, models = Recipe("datasets", "d", "x", "1"), Recipe("models", "m", "x", "1")
    finished = {"A": np.arange(len(ROWS)) < 3}
    return Plan([GroupPlan(datasets, models, None, None, MODEL, ROWS, columns, finished=finished)])


@pytest.mark.parametrize(
    ("options", "values", "size"),
    [
        ({}, 5 * 200, 4),
        ({"dtype": "float16"}, 5 * 200, 2),
        ({"attributions": "none"}, 0, 4),
        ({"attributions": 4}, 200, 4),  # the fourth sample is the only one of the first four without a map
        ({"attributions": 100, "dtype": "float16"}, 5 * 200, 2),
    ],
)
def test_bytes_are_those_of_the_maps_that_are_kept(options: dict[str, Any], values: int, size: int) -> None:
    assert estimate_plan(plan(), Registry(), StoreOptions(**options)).bytes == values * size


@metric(category="robustness", direction="lower", by={"again": {"yes": {"needs": {"explainer"}}}})
def faces(case: Any, *, again: Literal["yes", "no"]) -> Any:
    """Explains again, or not."""
    return case.attributions.sum((1, 2))


def test_passes_of_a_metric_that_explains_again_by_its_parameters_are_the_explainers() -> None:
    registry = Registry()
    card = registry.add("metrics", "faces", faces)
    recipes = [Recipe("metrics", "faces", card.distribution, card.identity, {"again": again}, again) for again in ("yes", "no")]
    scores = [ScoreColumn(recipe.label, recipe, recipe.label, passes=5) for recipe in recipes]
    column = ExplanationColumn("a", Recipe("explainers", "a", "x", "1"), "A", scores, passes=2)
    group = GroupPlan(Recipe("datasets", "d", "x", "1"), Recipe("models", "m", "x", "1"), None, None, MODEL, ROWS, [column])
    cells = {cell.metric: cell.passes for cell in estimate_plan(Plan([group]), registry, StoreOptions()).cells}
    assert cells == {"": 2, "yes": 10, "no": 5}


def test_time_is_what_the_passes_to_do_take_at_the_rate_of_those_that_were_made() -> None:
    """30 passes took 12 seconds by one explainer, and 10 took 8 by another: 0.5 a pass; 5 samples of 2 passes, and 8 of 3, are to do."""

    def column(name: str, **known: float) -> ExplanationColumn:
        return ExplanationColumn(name, Recipe("explainers", name, "x", "1"), name, [], **known)  # type: ignore[arg-type]

    columns = [column("a", passes=2, seconds=12.0, made=30.0), column("b", seconds=8.0, made=10.0, passes=10), column("c", passes=3)]
    finished = {"a": np.arange(8) < 3, "b": np.ones(8, dtype=bool)}
    whole = replace(plan().groups[0], columns=columns, finished=finished)
    found = estimate_plan(Plan([whole]), Registry(), StoreOptions())
    assert (found.passes, found.seconds) == (5 * 2 + 8 * 3, pytest.approx(17.0))
    unmeasured = replace(whole, columns=[column("c", passes=3)], finished={})
    assert estimate_plan(Plan([unmeasured]), Registry(), StoreOptions()).seconds is None
    done = replace(whole, columns=columns[1:2])
    assert estimate_plan(Plan([done]), Registry(), StoreOptions()).seconds == 0.0
