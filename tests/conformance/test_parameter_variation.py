"""Parameters of metrics are varied to values that they may have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from harness.conformance.metric_under_test import MetricUnderTest
from harness.conformance.parameter_variation import iter_variations
from harness.registry.card import Card
from harness.registry.json_schema import inline_references
from harness.registry.registry import Registry
from harness.registry.signature import parameters_model


def measured(
    case: Any,
    *,
    steps: Annotated[int, Field(ge=2, le=3)] = 2,
    share: Annotated[float, Field(gt=0, le=1)] = 1.0,
    fill: Literal["blur", "black", "mean"] = "black",
    squared: bool = True,
    most: int | None = None,
    layer: str | None = None,
) -> None:
    """A metric of which only the parameters matter."""


def test_each_is_varied_within_its_bounds() -> None:
    card = Card(
        "metrics", "measured", "mine", "1", "mine:measured", parameters=inline_references(parameters_model(measured).model_json_schema())
    )
    tested = MetricUnderTest(Registry([card]), card)
    assert dict(iter_variations(tested)) == {
        "steps": [3],
        "share": [0.8],
        "fill": ["blur", "mean"],
        "squared": [False],
        "most": [2, 0, 3],
    }
