"""Quantus's 37 metrics by Quantus's own names: what each declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import quantus

MetricName = Literal[
    "Faithfulness Correlation",
    "Faithfulness Estimate",
    "Pixel-Flipping",
    "Region Segmentation",
    "Monotonicity-Arya",
    "Monotonicity-Nguyen",
    "Selectivity",
    "SensitivityN",
    "IROF",
    "ROAD",
    "Infidelity",
    "Sufficiency",
    "Continuity Test",
    "Local Lipschitz Estimate",
    "Max-Sensitivity",
    "Avg-Sensitivity",
    "Consistency",
    "Relative Input Stability",
    "Relative Output Stability",
    "Relative Representation Stability",
    "Pointing Game",
    "Top-K Intersection",
    "Relevance Mass Accuracy",
    "Relevance Rank Accuracy",
    "Attribution Localisation",
    "AUC",
    "Focus",
    "Sparseness",
    "Complexity",
    "Effective Complexity",
    "MPRT",
    "Smooth MPRT",
    "Efficient MPRT",
    "Random Logit",
    "Completeness",
    "NonSensitivity",
    "InputInvariance",
]

CLASSES: Mapping[str, Any] = {
    name.strip(): made for category in quantus.AVAILABLE_METRICS.values() for name, made in category.items()
}  # one of Quantus's names ends in a space
POPULATION = ("Sufficiency", "Consistency")  # defined by a sample's place among others
MOSAICS = ("Focus",)
MASKED = ("Pointing Game", "Top-K Intersection", "Relevance Mass Accuracy", "Relevance Rank Accuracy", "Attribution Localisation", "AUC")
EXPLAINING = (
    "Continuity Test",
    "Local Lipschitz Estimate",
    "Max-Sensitivity",
    "Avg-Sensitivity",
    "Relative Input Stability",
    "Relative Output Stability",
    "Relative Representation Stability",
    "MPRT",
    "Smooth MPRT",
    "Efficient MPRT",
    "Random Logit",
    "InputInvariance",
)
TURNED = {"Region Segmentation": "higher", "Consistency": "higher"}  # Quantus's class says "lower": docs/quantus.md says why not
UNIT = (
    "Monotonicity-Arya",
    "ROAD",
    "Sufficiency",
    "Consistency",
    "Pointing Game",
    "Relevance Rank Accuracy",
    "AUC",
    "Focus",
    "Completeness",
    "InputInvariance",
)


def declared(name: str) -> dict[str, Any]:
    """Category, direction, needs and bounds of one metric."""
    made = CLASSES[name]
    needs = {"masks"} if name in (*MASKED, *MOSAICS) else set()
    needs |= {"explainer"} if name in (*EXPLAINING, *POPULATION) else set()
    needs |= {"training-data"} if name in POPULATION else set()
    return {
        "category": made.evaluation_category.value.lower(),
        "direction": TURNED.get(name, made.score_direction.value),
        "needs": frozenset(needs),
        "bounds": (0, 1) if name in UNIT else (None, None),
    }


def by_metric() -> dict[str, dict[str, Any]]:
    """Declarations of every metric, by its name."""
    return {name: declared(name) for name in CLASSES}
