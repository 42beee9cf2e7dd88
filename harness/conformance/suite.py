"""The checks that there are for each kind of component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from harness.api.declarations import Kind
from harness.conformance import (
    batch_checks,
    common_checks,
    dataset_checks,
    explainer_output_checks,
    explainer_side_effect_checks,
    metric_checks,
    metric_edge_case_checks,
    model_checks,
)
from harness.conformance.component_under_test import ComponentUnderTest, DatasetUnderTest, ModelUnderTest
from harness.conformance.explainer_under_test import ExplainerUnderTest
from harness.conformance.metric_under_test import MetricUnderTest


@dataclass(frozen=True)
class Check:
    """One check: its name (``check_<what>``), what it holds a component to, and the function that does."""

    name: str
    meaning: str
    run: Callable[[Any], str | None]


UNDER_TEST_CLASSES: Mapping[Kind, type[ComponentUnderTest]] = {
    "explainers": ExplainerUnderTest,
    "metrics": MetricUnderTest,
    "datasets": DatasetUnderTest,
    "models": ModelUnderTest,
}
_CHECK_MODULES: Mapping[Kind, tuple[ModuleType, ...]] = {
    "explainers": (common_checks, explainer_output_checks, batch_checks, explainer_side_effect_checks),
    "metrics": (common_checks, metric_checks, batch_checks, metric_edge_case_checks),
    "datasets": (common_checks, dataset_checks),
    "models": (common_checks, model_checks),
}


def list_checks(kind: Kind) -> list[Check]:
    """The checks for one kind, in their order; none for executors."""
    return [
        Check(name, (function.__doc__ or "").strip(), function)
        for module in _CHECK_MODULES.get(kind, ())
        for name, function in vars(module).items()
        if name.startswith("check_")
    ]
